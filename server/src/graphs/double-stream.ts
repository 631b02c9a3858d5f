// The stream of a run of the first protocol whose thread is followed by the event protocol: one execution of the graph, told in both.
import { isCheckpointEnvelope, STREAM_EVENTS_V3_MODES } from "@langchain/langgraph/web";
import type { BudgetWarning } from "../domain/ports/model-accounts.ts";
import type { RunCommand } from "../domain/run.ts";
import type { CompiledGraph, GraphCallConfig } from "./compiled-graph.ts";
import type { RunStream } from "./graph-stream.ts";
import { type GraphChunk, toProtocolEvents, withMessageEvents } from "./protocol-chunks.ts";
import type { ProtocolMapper } from "./protocol-mapper.ts";
import type { RootValues } from "./root-values.ts";
import { rootChunkOf, type StreamMapper } from "./stream-mapper.ts";
import type { StreamPlan } from "./stream-plan.ts";
import { BUDGET_EVENT, presentBudgetWarning } from "./usage/budget-event.ts";

const PROTOCOL_MODES: ReadonlySet<string> = new Set(STREAM_EVENTS_V3_MODES);
/** Modes that LangGraph fills differently for the protocol; a client of the first protocol gets them as ever. */
const SHARED_MODES = ["messages", "tools"];

interface DoubleStreamOptions {
  runId: string;
  plan: StreamPlan;
  modes: StreamMapper;
  protocol: ProtocolMapper;
  command: RunCommand | undefined;
}

export class DoubleStream implements RunStream {
  readonly values: RootValues;
  readonly #options: DoubleStreamOptions;

  constructor(options: DoubleStreamOptions) {
    this.values = options.modes.values;
    this.#options = options;
  }

  async consume(graph: CompiledGraph, input: unknown, callConfig: GraphCallConfig): Promise<void> {
    const { plan, protocol, command } = this.#options;
    protocol.addAnswer(command?.resume);
    const isNative =
      graph.streamTransformers !== undefined &&
      !plan.usesEvents &&
      !SHARED_MODES.some((mode) => plan.graphModes.includes(mode));
    const config: GraphCallConfig = {
      ...callConfig,
      streamMode: [...new Set([...plan.graphModes, ...STREAM_EVENTS_V3_MODES])],
      subgraphs: true,
      // With a version LangGraph puts checkpoint envelopes before values; v3 besides makes the protocol's own messages.
      version: isNative ? "v3" : "v2",
    };
    const chunks = this.#tellModes(graph, input, config);
    const events = toProtocolEvents(isNative ? chunks : withMessageEvents(chunks), graph.streamTransformers);
    for await (const event of events) protocol.addEvent(event);
  }

  addStop(interrupts: unknown[]): void {
    this.#options.modes.addStop(interrupts);
    this.#options.protocol.addStop(interrupts);
  }

  addBudgetWarning(warning: BudgetWarning): void {
    this.#options.modes.addRunEvent(BUDGET_EVENT, presentBudgetWarning(warning));
    this.#options.protocol.addCustom(BUDGET_EVENT, presentBudgetWarning(warning));
  }

  /** Hands the first protocol its chunks and yields those that the event protocol is made of. */
  async *#tellModes(graph: CompiledGraph, input: unknown, config: GraphCallConfig): AsyncGenerator<GraphChunk> {
    const { plan, modes } = this.#options;
    const asked = new Set(plan.graphModes);
    for await (const chunk of this.#open(graph, input, config)) {
      const [namespace, mode, payload] = chunk;
      const isEnvelope = mode === "checkpoints" && isCheckpointEnvelope(payload);
      if (asked.has(mode) && !isEnvelope && (plan.hasNamespaces || namespace.length === 0)) {
        modes.addChunk(plan.hasNamespaces ? chunk : [mode, payload]);
      }
      if (isEnvelope || PROTOCOL_MODES.has(mode)) yield chunk;
    }
  }

  async *#open(graph: CompiledGraph, input: unknown, config: GraphCallConfig): AsyncGenerator<GraphChunk> {
    const { plan, modes, runId } = this.#options;
    if (!plan.usesEvents) {
      yield* (await graph.stream(input, config)) as AsyncIterable<GraphChunk>;
      return;
    }
    for await (const event of graph.streamEvents(input, { ...config, version: "v2" })) {
      const chunk = rootChunkOf(event, runId);
      if (chunk === undefined) modes.addEvent(event, runId);
      else yield chunk as GraphChunk;
    }
  }
}
