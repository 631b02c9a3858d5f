// The two lines of the official client that people have installed: the newest, and the old code that npm calls "latest".
import { Client } from "@langchain/langgraph-sdk";
import { Client as OldClient } from "@langchain/langgraph-sdk-2";

export type SdkClient = Client;
export type SdkVersion = "1.15.0" | "2.0.0";

/** The version, and a client of it. Nothing is tried twice, so that a refusal shows at once. */
export const SDK_LINES: readonly { version: SdkVersion; connect: (url: string) => SdkClient }[] = [
  { version: "1.15.0", connect: (apiUrl) => new Client({ apiUrl, apiKey: null, callerOptions: { maxRetries: 0 } }) },
  {
    version: "2.0.0",
    // The old line is tested through the types of the new one; what it lacks is tested for the new one only.
    connect: (apiUrl) =>
      new OldClient({ apiUrl, apiKey: null, callerOptions: { maxRetries: 0 } }) as unknown as SdkClient,
  },
];

/** One item of a stream as both lines give it. */
export interface StreamItem {
  id?: string;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what an event carries is what the tests are about
  data: any;
}

/** Reads a stream to its end. */
export async function collect(stream: AsyncIterable<unknown>): Promise<StreamItem[]> {
  const items: StreamItem[] = [];
  for await (const item of stream) items.push(item as StreamItem);
  return items;
}

/** The names of the events, in order. */
export function namesOf(items: StreamItem[]): string[] {
  return items.map(({ event }) => event);
}
