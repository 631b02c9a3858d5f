// Executes one claimed run: calls the graph, emits its stream as wire events, and says how it ended.
import type { RunnableConfig } from "@langchain/core/runnables";
import { RunControl } from "@langchain/langgraph";
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph-checkpoint";
import { HoldfastError, LeaseLostError } from "../domain/errors.ts";
import type { ExecutionOutcome, GraphExecutor } from "../domain/ports/graph-runtime.ts";
import type { ModelAccounts } from "../domain/ports/model-accounts.ts";
import type { ModelGate } from "../domain/ports/model-gate.ts";
import type { ClaimedRun, Fence } from "../domain/ports/run-queue.ts";
import type { ToolEffects } from "../domain/ports/tool-effects.ts";
import { type Run, type RunCommand, toPublicError } from "../domain/run.ts";
import type { NewStreamEvent } from "../domain/stream-event.ts";
import type { CompiledGraph, GraphCallConfig } from "./compiled-graph.ts";
import { type Continuation, planContinuation, planStart } from "./continuation.ts";
import { EFFECTS_KEY, EffectRecorder } from "./effect-recorder.ts";
import { FencedSaver } from "./fenced-saver.ts";
import { bindForSnapshots, bindGraph } from "./graph-handle.ts";
import type { GraphRegistry } from "./graph-registry.ts";
import type { RunStream } from "./graph-stream.ts";
import { closeOpenToolCalls } from "./open-tool-calls.ts";
import { resumeLedgerHooks } from "./resume-ledger.ts";
import type { RootValues } from "./root-values.ts";
import { buildRunConfig, runMetadata, toFactoryConfig } from "./run-config.ts";
import { describeError, errorName } from "./run-error.ts";
import { toGraphInput } from "./run-input.ts";
import { RunOutcome, readHead } from "./run-outcome.ts";
import { openRunStream } from "./run-stream.ts";
import { ModelCallRecorder } from "./usage/model-call-recorder.ts";

export interface RunExecutorOptions {
  registry: GraphRegistry;
  openCheckpointer: (fence: Fence | undefined) => BaseCheckpointSaver;
  store: BaseStore | undefined;
  /** Where tools record their effects. */
  effects: ToolEffects | undefined;
  /** Where calls of models are accounted. */
  modelAccounts: ModelAccounts | undefined;
  /** Handed to the kit's models. */
  modelGate: ModelGate | undefined;
  /** Longest time of one attempt of a node that sets no limit of its own; 0 for none. */
  nodeTimeoutMs: number;
}

interface ExecutionSignals {
  signal: AbortSignal;
  drainSignal: AbortSignal;
  emit: (event: NewStreamEvent) => void;
}

/** One run's graph with its checkpointer. */
interface Attachment {
  graph: CompiledGraph;
  /** Set for runs that keep checkpoints. */
  checkpoints: { saver: FencedSaver; snapshots: () => CompiledGraph } | undefined;
  /** Sees the calls of models. */
  recorder: ModelCallRecorder | undefined;
  /** Aborted when persistence fails: what nodes do after that is lost, so they had better stop. */
  halt: AbortSignal;
  /** Set when an earlier attempt used up the answer a resume gave. */
  markResumeSpent: () => void;
}

/** Where the kit looks for the gate; the two underscores keep clients from setting it and everything from showing it. */
const MODEL_GATE_KEY = "__holdfast_model_gate";

const QUESTION_MARKS = ["__interrupt__", "interrupt_id"];

/** Whoever is told of a question may read the thread's state at once: the question must be in it. */
function afterItsCheckpoint(event: NewStreamEvent, run: Run, saver: FencedSaver | undefined): NewStreamEvent {
  if (saver === undefined || run.kwargs.durability === "exit" || "stored" in event) return event;
  if (!QUESTION_MARKS.some((mark) => event.data.includes(mark))) return event;
  return { event: event.event, data: event.data, storable: saver.whenWritten() };
}

/** What the run spent and what it checkpointed is written down; what nodes do after that is refused. */
async function closeAttachment(attachment: Attachment | undefined): Promise<void> {
  await attachment?.recorder?.close();
  await attachment?.checkpoints?.saver.seal();
}

/** LangGraph's error for a run that stopped at a superstep because it was asked to. */
const DRAINED_ERROR_NAME = "GraphDrained";

export class RunExecutor implements GraphExecutor {
  readonly #options: RunExecutorOptions;

  constructor(options: RunExecutorOptions) {
    this.#options = options;
  }

  async executeRun(claimed: ClaimedRun, signals: ExecutionSignals): Promise<ExecutionOutcome> {
    const { run } = claimed;
    let attachment: Attachment | undefined;
    const emit = (event: NewStreamEvent) =>
      signals.emit(afterItsCheckpoint(event, run, attachment?.checkpoints?.saver));
    const stream = openRunStream(run, emit, {
      threadId: run.threadId,
      findHome: (list) => attachment?.checkpoints?.saver.findListHome(list),
      // With durability `exit` nothing is saved before the end; the lists are stored with their events then.
      whenSaved: async (list) => {
        if (run.kwargs.durability !== "exit") await attachment?.checkpoints?.saver.whenListSaved(list);
      },
    });
    try {
      if (claimed.problem !== undefined) throw claimed.problem;
      attachment = await this.#attach(claimed, stream, signals);
      await this.#run(claimed, attachment, stream, signals);
      await closeAttachment(attachment);
    } catch (error) {
      await closeAttachment(attachment);
      return await this.#endWithError(run, attachment, error, signals);
    }
    return await this.#endWithSuccess(run, attachment, stream.values);
  }

  async #attach(claimed: ClaimedRun, stream: RunStream, signals: ExecutionSignals): Promise<Attachment> {
    const { run, fence } = claimed;
    const { kwargs } = run;
    const compiled = await this.#options.registry.instantiate(kwargs.graphId, toFactoryConfig(run), {
      accessContext: "threads.create_run",
      executionRuntime: { context: kwargs.context },
    });
    let isResumeSpent = false;
    const halt = new AbortController();
    let checkpoints: Attachment["checkpoints"];
    const { store } = this.#options;
    if (kwargs.isCheckpointed) {
      const inner = this.#options.openCheckpointer(fence);
      const isResume = kwargs.command?.resume !== undefined && kwargs.command.resume !== null;
      const ledger = isResume ? resumeLedgerHooks(run.runId, inner, { isResumeSpent: () => isResumeSpent }) : {};
      const saver = new FencedSaver(inner, {
        metadata: runMetadata(run),
        hooks: { ...ledger, onFailure: (failure) => halt.abort(failure) },
      });
      checkpoints = { saver, snapshots: () => bindForSnapshots(compiled, { checkpointer: saver, store }) };
    }
    return {
      graph: bindGraph(compiled, {
        checkpointer: checkpoints?.saver,
        store,
        nodeTimeoutMs: this.#options.nodeTimeoutMs,
      }),
      checkpoints,
      recorder: this.#openRecorder(claimed, stream, signals),
      halt: halt.signal,
      markResumeSpent: () => {
        isResumeSpent = true;
      },
    };
  }

  #openRecorder({ run, fence }: ClaimedRun, stream: RunStream, { signal }: ExecutionSignals) {
    const accounts = this.#options.modelAccounts?.openRun(run, fence);
    if (accounts === undefined) return undefined;
    return new ModelCallRecorder({
      accounts,
      isStopped: () => signal.aborted,
      onWarning: (warning) => stream.addBudgetWarning(warning),
    });
  }

  async #run(claimed: ClaimedRun, attachment: Attachment, stream: RunStream, signals: ExecutionSignals): Promise<void> {
    const { run } = claimed;
    signals.signal.throwIfAborted();
    const continuation = await this.#plan(claimed, attachment);
    if (continuation.kind === "stopped") {
      stream.addStop(continuation.interrupts);
      return;
    }
    const isStart = continuation.kind === "start";
    if (!isStart && continuation.isAddressed) attachment.markResumeSpent();
    const signal = AbortSignal.any([signals.signal, attachment.halt]);
    const control = new RunControl();
    const requestDrain = () => control.requestDrain();
    if (signals.drainSignal.aborted) requestDrain();
    signals.drainSignal.addEventListener("abort", requestDrain, { once: true });
    try {
      const config: GraphCallConfig = {
        ...buildRunConfig(run, { isContinued: !isStart && !continuation.isAddressed, signal }),
        control,
        ...(attachment.recorder === undefined ? {} : { callbacks: [attachment.recorder] }),
      };
      if (this.#options.modelGate !== undefined) {
        config.configurable = { ...config.configurable, [MODEL_GATE_KEY]: this.#options.modelGate };
      }
      if (this.#options.effects !== undefined) {
        config.configurable = {
          ...config.configurable,
          [EFFECTS_KEY]: new EffectRecorder(this.#options.effects, {
            fence: claimed.fence,
            saver: run.kwargs.durability === "exit" ? undefined : attachment.checkpoints?.saver,
          }),
        };
      }
      const command: RunCommand | undefined = isStart ? continuation.command : undefined;
      const library = await this.#options.registry.findLibrary(run.kwargs.graphId, attachment.graph);
      const input = isStart
        ? await this.#startInput(run, attachment, toGraphInput({ ...run.kwargs, command }, library))
        : null;
      await stream.consume(attachment.graph, input, config);
    } finally {
      signals.drainSignal.removeEventListener("abort", requestDrain);
    }
  }

  /** A run that was handed back while draining may come again under the same attempt, but never without earlier events. */
  async #plan(claimed: ClaimedRun, attachment: Attachment): Promise<Continuation> {
    const { run, nextEventSeq } = claimed;
    const isFirst = run.attempt <= 1 && nextEventSeq === 0;
    const { checkpoints } = attachment;
    if (isFirst || checkpoints === undefined) return await planStart(run, checkpoints?.saver);
    return await planContinuation(run, checkpoints.snapshots(), checkpoints.saver);
  }

  async #startInput(run: Run, { checkpoints }: Attachment, input: unknown): Promise<unknown> {
    if (checkpoints === undefined || run.kwargs.command !== undefined) return input;
    const reader = { getTuple: (config: RunnableConfig) => checkpoints.saver.peekTuple(config) };
    return closeOpenToolCalls(input, reader, { threadId: run.threadId, checkpoint: run.kwargs.checkpoint });
  }

  async #endWithSuccess(run: Run, attachment: Attachment, values: RootValues): Promise<ExecutionOutcome> {
    const { checkpoints } = attachment;
    if (checkpoints?.saver.failure !== undefined) throw checkpoints.saver.failure;
    const outcome = new RunOutcome("success", null);
    const isStopped = values.hasInterrupt || checkpoints?.saver.hasInterrupt === true;
    if (checkpoints !== undefined && (isStopped || values.last === undefined)) {
      outcome.setSnapshot(await readHead(checkpoints.snapshots(), run.threadId));
      return outcome;
    }
    // A run that came to its end left nothing to do, and its last values are those of its last checkpoint.
    outcome.setFinalValues(values.last, values.lastJson);
    if (checkpoints !== undefined) outcome.setThreadValues(values.last, checkpoints.saver.headId);
    return outcome;
  }

  async #endWithError(
    run: Run,
    attachment: Attachment | undefined,
    error: unknown,
    signals: ExecutionSignals,
  ): Promise<ExecutionOutcome> {
    const failure =
      error instanceof LeaseLostError
        ? error
        : (attachment?.checkpoints?.saver.failure ?? attachment?.recorder?.failure);
    // Persistence failed, not the graph: the engine decides whether the run is tried again.
    if (failure instanceof LeaseLostError || failure?.isRetryable === true) throw failure;
    const isDrained = signals.drainSignal.aborted && errorName(error) === DRAINED_ERROR_NAME;
    const status = signals.signal.aborted ? "cancelled" : isDrained ? "drained" : "error";
    const outcome = new RunOutcome(status, status === "error" ? describeError(error) : null);
    if (outcome.error !== null) signals.emit({ event: "error", data: JSON.stringify(toPublicError(outcome.error)) });
    if (attachment?.checkpoints === undefined || status === "drained") return outcome;
    const { snapshots } = attachment.checkpoints;
    const head = await readHead(snapshots(), run.threadId).catch((unreadable: unknown) => {
      // What ended the run counts more than a state its graph cannot read; a lost database still does.
      if (unreadable instanceof HoldfastError) throw unreadable;
      return undefined;
    });
    if (head !== undefined) outcome.setSnapshot(head);
    if (status === "cancelled") outcome.keepOnlyInterrupts();
    return outcome;
  }
}
