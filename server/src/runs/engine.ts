// The run engine: turns requests into durable runs and lets doors follow, await and cancel them.

import type { Assistant } from "../domain/assistant.ts";
import {
  BadRequestError,
  ConflictError,
  LeaseLostError,
  NotFoundError,
  QueueFullError,
  ShuttingDownError,
} from "../domain/errors.ts";
import { isUuid, mintId, systemAssistantId } from "../domain/ids.ts";
import type { AccessFilter } from "../domain/page.ts";
import type { AssistantRepository } from "../domain/ports/assistant-repository.ts";
import type { EventBus, LocalEnd } from "../domain/ports/event-bus.ts";
import type {
  GraphCatalog,
  StateContext,
  StateWrite,
  ThreadStateReader,
  ThreadStateWriter,
} from "../domain/ports/graph-runtime.ts";
import type { EventLog, Fence, RunQueue } from "../domain/ports/run-queue.ts";
import type { RunRepository } from "../domain/ports/run-repository.ts";
import type { StateFences } from "../domain/ports/state-fence.ts";
import type { ThreadRepository } from "../domain/ports/thread-repository.ts";
import type { ThreadTapeLog } from "../domain/ports/thread-tape.ts";
import type { CancelAction, Run, RunStatus } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import type { Thread } from "../domain/thread.ts";
import type { CheckpointConfig, CheckpointRef, StateUpdate } from "../domain/thread-state.ts";
import { type AgentTree, isTapeEvent, type TapeRun } from "../domain/thread-tape.ts";
import type { Report } from "../observability/report.ts";
import { EventFeed, type FeedListener } from "./event-feed.ts";
import { FreshRuns } from "./fresh-runs.ts";
import type { EngineLimits } from "./limits.ts";
import { QueueDepth } from "./queue-depth.ts";
import { buildRun } from "./run-builder.ts";
import type { RunEngine, RunListener } from "./run-engine.ts";
import type { RunRequest } from "./run-request.ts";
import { resultJsonOf } from "./run-result.ts";
import type { TapeFollowOptions, TapeListener } from "./tape-listener.ts";
import { readTapeOutcome } from "./tape-outcome.ts";
import { announceThread, ThreadTapes } from "./thread-tapes.ts";
import type { Worker } from "./worker.ts";

/** Longest delay that Node's timers take. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface EngineOptions {
  assistants: AssistantRepository;
  threads: ThreadRepository;
  runs: RunRepository;
  queue: RunQueue;
  log: EventLog;
  tape: ThreadTapeLog;
  bus: EventBus;
  stateFences: StateFences;
  stateWriter: ThreadStateWriter;
  stateReader: ThreadStateReader;
  catalog: GraphCatalog;
  limits: EngineLimits;
  /** The worker of this process, where it has one: runs are offered to it as they are created. */
  worker?: Worker;
  report: Report;
}

export class Engine implements RunEngine, Disposable {
  readonly #options: EngineOptions;
  readonly #feed: EventFeed;
  readonly #tapes: ThreadTapes;
  readonly #fresh: FreshRuns;
  readonly #depth: QueueDepth;
  #isDraining = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#feed = new EventFeed({ log: options.log, bus: options.bus, pollIntervalMs: options.limits.pollIntervalMs });
    const { tape, bus, log, limits } = options;
    const readOutcome = (run: TapeRun, needsValues: boolean) =>
      readTapeOutcome(log, run, needsValues ? (threadId) => this.#readWholeValues(threadId) : undefined);
    this.#tapes = new ThreadTapes({ tape, readOutcome, feed: this.#feed, bus }, limits);
    this.#fresh = new FreshRuns(options.bus);
    this.#depth = new QueueDepth(options.queue, options.limits.queueDepthMax);
  }

  /** Refuses new runs from now on; what is there can still be followed. */
  drain(): void {
    this.#isDraining = true;
  }

  [Symbol.dispose](): void {
    this.#tapes[Symbol.dispose]();
    this.#feed[Symbol.dispose]();
    this.#fresh[Symbol.dispose]();
  }

  async createRun(request: RunRequest, access?: AccessFilter): Promise<Run> {
    if (this.#isDraining) throw new ShuttingDownError();
    const { limits, worker, queue, bus, report } = this.#options;
    const earlier = request.ids?.isRepeat ? await this.findCreatedRun(request.ids.runId) : undefined;
    if (earlier !== undefined) return earlier;
    if (await this.#depth.isFull()) throw new QueueFullError(limits.queueDepthMax);
    const assistant = await this.#findAssistant(request.assistantId);
    if (access !== undefined && request.threadId !== undefined) await this.#checkThreadAccess(request, access);
    const newRun = buildRun(request, assistant, idsFor(request), limits);
    this.#fresh.expect(newRun.runId, newRun.kwargs.isFollowed === true);
    const hasSlot = newRun.delayMs === 0 && !newRun.kwargs.isLimited && worker?.reserve() === true;
    try {
      const admission = await queue.admitRun(newRun, {
        claimFor: hasSlot ? worker.workerId : undefined,
        leaseDurationMs: limits.leaseDurationMs,
      });
      for (const { runId, action } of admission.cancelled) {
        bus.publishCancel(runId, action);
        bus.publishEnded(runId);
      }
      const { runId, threadId, assistantId, multitaskStrategy } = admission.run;
      report.runCreated({ runId, threadId, assistantId, strategy: multitaskStrategy });
      if (admission.claimed !== undefined) worker!.accept(admission.claimed);
      else {
        if (hasSlot) worker.unreserve();
        this.#depth.added();
        this.#announce(newRun.delayMs);
      }
      return admission.run;
    } catch (error) {
      if (hasSlot) worker.unreserve();
      this.#fresh.forget(newRun.runId);
      // A slower try of the same request may have been first after all: its run is this one's answer.
      const other = request.ids === undefined ? undefined : await this.#findUnlessAway(newRun.runId);
      if (other !== undefined) return other;
      throw error;
    }
  }

  findCreatedRun(runId: string): Promise<Run | undefined> {
    return this.#options.queue.findRun(runId);
  }

  #findUnlessAway(runId: string): Promise<Run | undefined> {
    return this.findCreatedRun(runId).catch(() => undefined);
  }

  /** Tells workers of a waiting run when it is due; should this process be gone by then, their poll finds it. */
  #announce(delayMs: number): void {
    const { bus } = this.#options;
    if (delayMs === 0) bus.publishPending();
    else setTimeout(() => bus.publishPending(), Math.min(delayMs, TIMER_MS_MAX)).unref();
  }

  followRun(runId: string, afterSeq: number, listener: RunListener): () => void {
    const shown: FeedListener = {
      events: (batch) => listener.events(withoutTapeEvents(batch)),
      ended: () => listener.ended(),
      failed: (error) => listener.failed(error),
    };
    const isFresh = afterSeq === -1 && this.#fresh.isSilent(runId);
    return this.#feed.follow(runId, afterSeq, shown, { isFresh, isKnownFollowed: this.#fresh.isFollowed(runId) });
  }

  followThread(threadId: string, options: TapeFollowOptions, listener: TapeListener): () => void {
    return this.#tapes.follow(threadId, options, listener);
  }

  /** While the database is away nothing is remembered; the follower asks again with each run. */
  async expectFollower(threadId: string): Promise<void> {
    await this.#options.tape.wantTape(threadId).catch(() => undefined);
  }

  readAgentTree(threadId: string, runId?: string): Promise<AgentTree | undefined> {
    return this.#tapes.readAgentTree(threadId, runId);
  }

  async awaitRun(runId: string, signal: AbortSignal): Promise<string> {
    const end = this.#fresh.endOf(runId) ?? (await this.#awaitEnd(runId, signal));
    return end?.readResultJson() ?? (await this.#readResult(runId));
  }

  async cancelRun(
    runId: string,
    threadId: string,
    options: { action: CancelAction; reason?: string; wait: boolean },
    access?: AccessFilter,
  ): Promise<void> {
    const { queue, bus, runs } = this.#options;
    if (access !== undefined && (await runs.findRun(runId, threadId, access)) === undefined)
      throw new NotFoundError("Run not found");
    const outcome = await queue.requestCancel(runId, threadId, options.action, options.reason ?? null);
    if (outcome === "not_found") throw new NotFoundError("Run not found");
    if (outcome === "ended") bus.publishEnded(runId);
    if (outcome === "ended") bus.publishPending();
    if (outcome === "ended") announceThread(bus, threadId);
    if (outcome !== "signalled") return;
    bus.publishCancel(runId, options.action);
    if (options.wait) await this.#awaitEnd(runId, new AbortController().signal);
  }

  async cancelRuns(
    query: { threadId?: string; runIds?: string[]; statuses?: RunStatus[] },
    action: CancelAction,
    access?: AccessFilter,
  ): Promise<void> {
    const statuses = query.statuses ?? ["pending", "running"];
    const found = await this.#options.runs.findRunIds({ ...query, statuses }, access);
    if (query.runIds !== undefined && found.length < new Set(query.runIds).size) {
      const ids = new Set(found.map((run) => run.runId));
      throw new NotFoundError(
        `No pending or running run with ID ${query.runIds.filter((id) => !ids.has(id)).join(", ")}`,
      );
    }
    for (const { runId, threadId } of found) {
      await this.cancelRun(runId, threadId, { action, wait: false }).catch((error: unknown) => {
        if (!(error instanceof NotFoundError)) throw error;
      });
    }
  }

  async updateThreadState(
    threadId: string,
    update: StateUpdate,
    checkpoint: CheckpointRef | undefined,
    access?: AccessFilter,
  ): Promise<CheckpointConfig> {
    return this.#writeState(threadId, access, (context, fence) =>
      this.#options.stateWriter.updateState(context, fence, update, checkpoint),
    );
  }

  async applySupersteps(
    threadId: string,
    supersteps: { updates: StateUpdate[] }[],
    access?: AccessFilter,
  ): Promise<void> {
    await this.#writeState(threadId, access, (context, fence) =>
      this.#options.stateWriter.applySupersteps(context, fence, supersteps),
    );
  }

  async #writeState(
    threadId: string,
    access: AccessFilter,
    write: (context: StateContext, fence: Fence) => Promise<StateWrite>,
  ): Promise<CheckpointConfig> {
    const thread = await this.#findThread(threadId, access);
    const context = stateContextOf(thread);
    if (context.graphId === undefined) throw new BadRequestError(`Thread ${threadId} has no graph ID`);
    const fence = await this.#options.stateFences.acquireStateFence(threadId);
    try {
      const written = await write(context, fence);
      await this.#options.stateFences.commitStateWrite(fence, written);
      return written.checkpoint;
    } catch (error) {
      if (error instanceof LeaseLostError) throw new ConflictError("Thread is busy");
      throw error;
    }
  }

  async #findAssistant(idOrGraph: string): Promise<Assistant> {
    const { assistants, catalog } = this.#options;
    const assistantId = catalog.hasGraph(idOrGraph) ? systemAssistantId(idOrGraph) : idOrGraph;
    const assistant = isUuid(assistantId) ? await assistants.findAssistant(assistantId) : undefined;
    if (assistant !== undefined && catalog.hasGraph(assistant.graphId)) return assistant;
    throw new NotFoundError(
      `No assistant found for "${idOrGraph}". Make sure the assistant ID is for a valid assistant or a valid graph ID.`,
    );
  }

  async #findThread(threadId: string, access: AccessFilter): Promise<Thread> {
    const thread = await this.#options.threads.findThread(threadId, access, { withValues: false });
    if (thread === undefined) throw new NotFoundError(`Thread with ID ${threadId} not found`);
    return thread;
  }

  /** A thread that exists must be visible; one that is to be created is nobody's yet. */
  async #checkThreadAccess(request: RunRequest, access: AccessFilter): Promise<void> {
    const threadId = request.threadId!;
    const { threads } = this.#options;
    if ((await threads.findThread(threadId, access, { withValues: false })) !== undefined) return;
    const isMissing = (await threads.findThread(threadId, undefined, { withValues: false })) === undefined;
    if (!isMissing || request.ifNotExists !== "create") throw new NotFoundError(`Thread with ID ${threadId} not found`);
  }

  #awaitEnd(runId: string, signal: AbortSignal): Promise<LocalEnd | undefined> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        stop();
        reject(signal.reason);
      };
      const settle = (act: () => void) => {
        signal.removeEventListener("abort", onAbort);
        act();
      };
      const stop = this.#feed.followEnd(
        runId,
        (end) => settle(() => resolve(end)),
        (error) => settle(() => reject(error)),
        { isFresh: this.#fresh.isUnended(runId) },
      );
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** The result as the rows tell it. */
  async #readResult(runId: string): Promise<string> {
    const outcome = await this.#options.log.readOutcome(runId);
    if (outcome === undefined) throw new NotFoundError("Run not found");
    const valuesJson = outcome.areValuesPartial ? await this.#readWholeValues(outcome.threadId) : outcome.valuesJson;
    return resultJsonOf(valuesJson ?? "{}", outcome.interrupts, outcome.error) ?? "{}";
  }

  async #readWholeValues(threadId: string): Promise<string> {
    const thread = await this.#options.threads.findThread(threadId);
    return JSON.stringify(thread?.values ?? {});
  }
}

function idsFor({ ids, threadId }: RunRequest): { runId: string; threadId: string } {
  return { runId: ids?.runId ?? mintId(), threadId: threadId ?? ids?.threadId ?? mintId() };
}

/** What streams of the first protocol show of a run's log. */
function withoutTapeEvents(batch: StreamEvent[]): StreamEvent[] {
  return batch.some(isTapeEvent) ? batch.filter((event) => !isTapeEvent(event)) : batch;
}

/** How a thread's state is to be read: with the graph and configuration of its latest run. */
export function stateContextOf(thread: Thread): StateContext {
  const graphId = thread.metadata.graph_id;
  return {
    threadId: thread.threadId,
    graphId: typeof graphId === "string" ? graphId : undefined,
    config: thread.config,
  };
}
