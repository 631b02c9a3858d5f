// The load most faults run under: clients that hold conversations of several turns, each turn a run of several steps with an
// effect each, while they follow every run's stream to its end.
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../chaos/random.ts";
import type { ClientLog } from "./check-input.ts";
import { followStream } from "./stream-client.ts";

export interface StepsLoad {
  runCount: number;
  /** Turns on one thread. */
  turnsPerThread: number;
  clientCount: number;
  stepCount: number;
  stepMs: number;
}

/** What clients know when they are done. */
export interface LoadRecord {
  runs: { threadId: string; runId: string }[];
  logs: ClientLog[];
  acceptedMessages: Map<string, string[]>;
  /** Messages whose request got no usable answer. */
  uncertainMessages: Set<string>;
  /** Requests that were refused or cut off and made again. */
  retriedCount: number;
}

interface LoadContext {
  /** Where the API is at this moment. */
  apiUrl: () => string;
  sinkUrl: string;
  load: StepsLoad;
  random: Random;
  deadlineMs: number;
  record: LoadRecord;
}

const RETRY_PAUSE_MIN_MS = 50;
const RETRY_PAUSE_MAX_MS = 300;
const REQUEST_MAX_MS = 15_000;

export async function runStepsLoad(options: Omit<LoadContext, "record">): Promise<LoadRecord> {
  const record: LoadRecord = {
    runs: [],
    logs: [],
    acceptedMessages: new Map(),
    uncertainMessages: new Set(),
    retriedCount: 0,
  };
  const context = { ...options, record };
  let submittedCount = 0;
  const client = async () => {
    while (submittedCount < options.load.runCount) {
      const turns = Math.min(options.load.turnsPerThread, options.load.runCount - submittedCount);
      submittedCount += turns;
      await converse(context, turns);
    }
  };
  await Promise.all(Array.from({ length: options.load.clientCount }, client));
  return record;
}

/** One conversation: each turn follows its run to the end before the next is sent. */
async function converse(context: LoadContext, turns: number): Promise<void> {
  const { record, deadlineMs } = context;
  const thread = await request(context, "/threads", {}, () => undefined);
  if (thread === undefined) return;
  const threadId = String(thread.thread_id);
  const accepted: string[] = [];
  record.acceptedMessages.set(threadId, accepted);
  for (let turn = 0; turn < turns; turn++) {
    const created = await createRun(context, threadId, turn);
    if (created === undefined) return;
    accepted.push(created.content);
    record.runs.push({ threadId, runId: created.runId });
    record.logs.push(await followStream(context.apiUrl, { threadId, runId: created.runId }, deadlineMs));
  }
}

async function createRun(context: LoadContext, threadId: string, turn: number) {
  const { load, sinkUrl, record } = context;
  let tries = 0;
  let content = "";
  const run = await request(
    context,
    `/threads/${threadId}/runs`,
    () => {
      content = `turn ${turn} try ${tries++} of ${threadId}`;
      return {
        assistant_id: "steps",
        input: { messages: [{ role: "user", content }] },
        config: { configurable: { steps: load.stepCount, stepMs: load.stepMs, sinkUrl } },
        stream_mode: ["custom", "updates"],
        stream_resumable: true,
        multitask_strategy: "enqueue",
      };
    },
    () => record.uncertainMessages.add(content),
  );
  return run === undefined ? undefined : { runId: String(run.run_id), content };
}

/** Posts until it is answered with success; `undefined` when time is up. Every try that failed is told to `onFailure`. */
async function request(
  context: LoadContext,
  path: string,
  body: object | (() => object),
  onFailure: () => void,
): Promise<Record<string, unknown> | undefined> {
  while (Date.now() < context.deadlineMs) {
    try {
      const response = await fetch(`${context.apiUrl()}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(typeof body === "function" ? body() : body),
        signal: AbortSignal.timeout(REQUEST_MAX_MS),
      });
      if (response.ok) return (await response.json()) as Record<string, unknown>;
      if (response.status < 500)
        throw new Error(`${path} answered ${response.status}: ${await response.text()}`, { cause: "client" });
    } catch (error) {
      if (error instanceof Error && error.cause === "client") throw error;
    }
    onFailure();
    context.record.retriedCount++;
    await sleep(context.random.integer(RETRY_PAUSE_MIN_MS, RETRY_PAUSE_MAX_MS));
  }
  return undefined;
}
