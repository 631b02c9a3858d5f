// Test support: a graph runtime over the testing graphs and an in-memory checkpointer, and runs ready to be executed.
import { randomUUID } from "node:crypto";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph-checkpoint";
import type { ExecutionOutcome } from "../../domain/ports/graph-runtime.ts";
import type { ClaimedRun } from "../../domain/ports/run-queue.ts";
import type { Run, RunKwargs } from "../../domain/run.ts";
import type { NewStreamEvent } from "../../domain/stream-event.ts";
import type { GraphDefinition } from "../graph-registry.ts";
import { createGraphRuntime, type GraphRuntime } from "../graph-runtime.ts";

export const TESTING_GRAPHS_DIR = fileURLToPath(new URL("../testing-graphs/", import.meta.url));

/** A runtime whose graph ids are `file:export`. */
export function createTestRuntime(graphIds: string[], saver: BaseCheckpointSaver = new MemorySaver()): GraphRuntime {
  const graphs: Record<string, GraphDefinition> = {};
  for (const graphId of graphIds) {
    const [file, exportName] = graphId.split(":");
    graphs[graphId] = { path: `./${file}.ts`, ...(exportName === undefined ? {} : { exportName }) };
  }
  return createGraphRuntime({ graphs, projectDir: dirname(`${TESTING_GRAPHS_DIR}x`), openCheckpointer: () => saver });
}

/** Replacements for defaults; a key that is there has a value. */
type KwargsChange = { [Key in keyof RunKwargs]?: Exclude<RunKwargs[Key], undefined> };

function defaultKwargs(graphId: string): RunKwargs {
  return {
    graphId,
    config: {},
    streamMode: ["values"],
    streamSubgraphs: false,
    streamResumable: false,
    durability: "async",
    isFollowed: false,
    isTemporary: false,
    isCheckpointed: true,
  };
}

/** A first attempt at a run of `graphId`; `kwargs` replaces defaults. */
export function claimRun(graphId: string, kwargs: KwargsChange, run: Partial<Run> = {}): ClaimedRun {
  const threadId = run.threadId ?? randomUUID();
  const runId = run.runId ?? randomUUID();
  const now = new Date();
  return {
    run: {
      runId,
      threadId,
      assistantId: "8f4b5c1e-0000-4000-8000-000000000001",
      status: "running",
      metadata: {},
      kwargs: { ...defaultKwargs(graphId), ...kwargs },
      multitaskStrategy: "enqueue",
      attempt: 1,
      priority: 0,
      error: null,
      cancelReason: null,
      tapeBlock: null,
      isTaped: false,
      availableAt: now,
      createdAt: now,
      updatedAt: now,
      startedAt: now,
      endedAt: null,
      ...run,
    },
    fence: { threadId, runId, epoch: "1" },
    nextEventSeq: 0,
    cancelAction: null,
  };
}

/** The same run claimed again after its worker was lost. */
export function claimAgain(claimed: ClaimedRun): ClaimedRun {
  return { ...claimed, run: { ...claimed.run, attempt: claimed.run.attempt + 1 }, nextEventSeq: 1 };
}

/** A later run on the same thread. */
export function claimNext(claimed: ClaimedRun, kwargs: KwargsChange): ClaimedRun {
  const { threadId, kwargs: earlier } = claimed.run;
  const { input: _input, command: _command, checkpoint: _checkpoint, ...rest } = earlier;
  return claimRun(earlier.graphId, { ...rest, ...kwargs }, { threadId });
}

export interface Execution {
  outcome: ExecutionOutcome;
  events: { event: string; data: unknown }[];
}

/** Executes to the end and parses every event. */
export async function execute(
  runtime: GraphRuntime,
  claimed: ClaimedRun,
  options: { signal?: AbortSignal; drainSignal?: AbortSignal; onEvent?: (event: NewStreamEvent) => void } = {},
): Promise<Execution> {
  const events: Execution["events"] = [];
  const outcome = await runtime.executor.executeRun(claimed, {
    signal: options.signal ?? new AbortController().signal,
    drainSignal: options.drainSignal ?? new AbortController().signal,
    emit: (event) => {
      events.push({ event: event.event, data: JSON.parse(event.data) });
      options.onEvent?.(event);
    },
  });
  return { outcome, events };
}
