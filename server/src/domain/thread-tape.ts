// The tape of a thread: the event protocol's view of all runs on it, in one order that outlives processes.
import type { RunError, RunStatus } from "./run.ts";
import type { StreamEvent } from "./stream-event.ts";

/**
 * Every run owns a block of this many numbers on its thread's tape, in the order in which the runs were claimed. 2^24 events a run
 * leave room for 2^29 runs a thread within the whole numbers of a JavaScript client.
 */
export const TAPE_BLOCK_SIZE = 2 ** 24;

/** Names of events that belong to the tape begin so in a run's log; streams of the first protocol leave them out. */
export const TAPE_PREFIX = "v2/";

/** A run as the tape needs it. */
export interface TapeRun {
  runId: string;
  threadId: string;
  graphId: string;
  /** Number of its block, above 0. */
  block: number;
  status: RunStatus;
  error: RunError | null;
  /** Whether it ended with the thread waiting for a human. */
  isWaiting: boolean;
  /** Whether its log has events of the protocol; those of other runs are derived from what their log tells. */
  isTaped: boolean;
  startedAt: Date | null;
  endedAt: Date | null;
}

/** One event of the protocol. */
export interface TapeEvent {
  /** Rises along the thread. */
  seq: number;
  /** The same at every reading, in every process. */
  eventId: string;
  method: string;
  /** What it is subscribed by: the method, `input`, or `custom:<name>`. */
  channel: string;
  namespace: string[];
  /** JSON text of `params`; of long events written out only when it is read. */
  readonly params: string;
}

export type LifecycleStatus = "running" | "started" | "completed" | "failed" | "interrupted";

/** A graph in the tree of graphs that a run called. */
export interface AgentTree {
  namespace: string[];
  status: LifecycleStatus;
  graphName: string;
  children: AgentTree[];
}

/** The first number of a block: that of the run's start. */
export function firstSeqOf(block: number): number {
  return block * TAPE_BLOCK_SIZE;
}

/** The last number of a block: that of the run's end. */
export function lastSeqOf(block: number): number {
  return firstSeqOf(block + 1) - 1;
}

/** The block a number belongs to. */
export function blockOf(seq: number): number {
  return Math.floor(seq / TAPE_BLOCK_SIZE);
}

/** Number in the run's log after which to read, for a reader that has the tape up to `seq`. */
export function logSeqAfter(block: number, seq: number): number {
  return Math.max(-1, seq - firstSeqOf(block) - 1);
}

/** How the root graph stands: the run's own status, except that one that stopped at an interrupt is not completed. */
export function rootStatusOf({ status, isWaiting }: Pick<TapeRun, "status" | "isWaiting">): LifecycleStatus {
  switch (status) {
    case "pending":
    case "running":
      return "running";
    case "success":
      return isWaiting ? "interrupted" : "completed";
    case "interrupted":
      return "interrupted";
    default:
      return "failed";
  }
}

/** The run's start. It is made from the row, so that every run has it whatever started it. */
export function startEvent(run: TapeRun): TapeEvent {
  const at = run.startedAt ?? run.endedAt ?? new Date();
  return rootLifecycle(run, firstSeqOf(run.block), at, { event: "running", graph_name: run.graphId });
}

/** The run's end; of a run that is not there any more (`undefined` status) an interruption. */
export function endEvent(run: TapeRun): TapeEvent {
  const status = rootStatusOf(run);
  const data = {
    event: status,
    graph_name: run.graphId,
    ...(status === "failed" ? { error: messageOf(run.error), ...refusalOf(run.error) } : {}),
  };
  return rootLifecycle(run, lastSeqOf(run.block), run.endedAt ?? new Date(), data);
}

function messageOf(error: RunError | null): string {
  return error === null ? "The run failed." : error.message;
}

function refusalOf(error: RunError | null): object {
  const refusal = error?.refusal;
  if (refusal === undefined) return {};
  const { reason, interruptIds, pendingIds } = refusal;
  return { reason, interrupt_ids: interruptIds, pending_ids: pendingIds };
}

/** Clients find the run's id between the first two colons. */
function rootLifecycle(
  run: TapeRun,
  seq: number,
  at: Date,
  data: { event: string; [key: string]: unknown },
): TapeEvent {
  return {
    seq,
    eventId: `synth:${run.runId}:lc||${data.event}`,
    method: "lifecycle",
    channel: "lifecycle",
    namespace: [],
    params: JSON.stringify({ namespace: [], timestamp: at.getTime(), data }),
  };
}

/** The name under which an event of the tape stands in its run's log; `custom` is the name of a custom event. */
export function tapeEventName(method: string, namespace: string[], custom?: string): string {
  const head = custom === undefined ? method : `${method}:${encodeURIComponent(custom)}`;
  const path = namespace.map((segment) => segment.replaceAll(/[\r\n|]/g, ""));
  return [`${TAPE_PREFIX}${head}`, ...path].join("|");
}

/** Whether an event of a run's log belongs to the tape. */
export function isTapeEvent({ event }: { event: string }): boolean {
  return event.startsWith(TAPE_PREFIX);
}

/** The event on the tape; `undefined` for those of the first protocol. */
export function toTapeEvent(run: Pick<TapeRun, "runId" | "block">, event: StreamEvent): TapeEvent | undefined {
  if (!isTapeEvent(event)) return undefined;
  const [head = "", ...namespace] = event.event.slice(TAPE_PREFIX.length).split("|");
  const [method = "", custom] = head.split(":");
  return {
    seq: firstSeqOf(run.block) + 1 + event.seq,
    eventId: `${run.runId}:${event.seq}`,
    method,
    channel: channelOf(method, custom),
    namespace,
    get params() {
      return event.data;
    },
  };
}

/** An event of the first protocol with its place on the tape; its data stand for the params. */
export function toPlainEvent(run: Pick<TapeRun, "runId" | "block">, event: StreamEvent): TapeEvent | undefined {
  if (isTapeEvent(event)) return undefined;
  return {
    seq: firstSeqOf(run.block) + 1 + event.seq,
    eventId: `${run.runId}:${event.seq}`,
    method: event.event,
    channel: event.event,
    namespace: [],
    get params() {
      return event.data;
    },
  };
}

function channelOf(method: string, custom: string | undefined): string {
  if (method.startsWith("input.")) return "input";
  return custom === undefined ? method : `${method}:${decodeURIComponent(custom)}`;
}
