// What a stub remembers of each request, for tests to look at.
import type { BilledTokens } from "./bill.ts";
import type { Conversation } from "./conversation.ts";
import type { Fault } from "./fault.ts";

/** One request and what became of it. It is in the list from the moment its body was read, and filled in as it goes. */
export interface RecordedCall {
  /** `call-1`, `call-2`, … in the order of arrival. */
  id: string;
  method: string;
  /** Path without query. */
  path: string;
  /** Headers in lower case; keys are replaced by `[redacted]`. */
  headers: Record<string, string>;
  /** The parsed body, or its text if it is not JSON. */
  body: unknown;
  /** The request in the common shape, if it was valid and asks for an answer. */
  conversation?: Conversation;
  /** HTTP status sent; absent if the connection was cut or the client left before. */
  status?: number;
  /** The fault it met. */
  fault?: Fault;
  /** The client closed the connection before the answer was complete. */
  isAborted: boolean;
  /** What it cost, if it reached generation; grows while the answer is generated. */
  usage?: BilledTokens;
  /** Wall-clock times, in milliseconds since 1970. */
  startedAt: number;
  endedAt?: number;
}
