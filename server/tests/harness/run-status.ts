// Waiting for a run to come to something, by asking.
import { expect } from "vitest";
import type { SdkClient } from "./sdk-lines.ts";

const WAIT_MAX_MS = 15_000;

export interface RunKey {
  thread_id: string;
  run_id: string;
}

/** Waits until the run has the status. */
export async function untilRun(client: SdkClient, run: RunKey, status: string): Promise<void> {
  const read = () => client.runs.get(run.thread_id, run.run_id).then((found) => found.status);
  await expect.poll(read, { timeout: WAIT_MAX_MS, interval: 20 }).toBe(status);
}

/** Waits until the thread's newest state has a value for which `isThere` is true. */
export async function untilValues(
  client: SdkClient,
  threadId: string,
  // biome-ignore lint/suspicious/noExplicitAny: what a state holds depends on the graph
  isThere: (values: any) => boolean,
): Promise<void> {
  const read = () => client.threads.getState(threadId).then(({ values }) => isThere(values));
  await expect.poll(read, { timeout: WAIT_MAX_MS, interval: 20 }).toBe(true);
}
