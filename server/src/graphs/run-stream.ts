// The stream of one run: in the modes its client asked for, or in LangGraph's event protocol.
import { STREAM_EVENTS_V3_MODES } from "@langchain/langgraph/web";
import type { BudgetWarning } from "../domain/ports/model-accounts.ts";
import type { Run, RunCommand } from "../domain/run.ts";
import type { NewStreamEvent } from "../domain/stream-event.ts";
import type { CompiledGraph, GraphCallConfig, ProtocolEvent } from "./compiled-graph.ts";
import { DoubleStream } from "./double-stream.ts";
import type { RunStream } from "./graph-stream.ts";
import { type GraphChunk, toProtocolEvents, withMessageEvents } from "./protocol-chunks.ts";
import { ProtocolMapper } from "./protocol-mapper.ts";
import type { ListHomes, RootValues } from "./root-values.ts";
import { StreamMapper } from "./stream-mapper.ts";
import { planStream, type StreamPlan } from "./stream-plan.ts";
import { BUDGET_EVENT, presentBudgetWarning } from "./usage/budget-event.ts";

/** @param lists where long lists of values are saved */
export function openRunStream(run: Run, emit: (event: NewStreamEvent) => void, lists: ListHomes): RunStream {
  const { isProtocol, command, streamMode, streamSubgraphs } = run.kwargs;
  if (isProtocol === true) return new ProtocolStream(new ProtocolMapper(emit, lists), command);
  const plan = planStream(streamMode, streamSubgraphs);
  const modes = new StreamMapper(plan, emit, lists);
  if (!run.isTaped) return new ModeStream(plan, modes, run.runId);
  return new DoubleStream({ runId: run.runId, plan, modes, protocol: new ProtocolMapper(emit, lists), command });
}

class ModeStream implements RunStream {
  readonly values: RootValues;
  readonly #plan: StreamPlan;
  readonly #mapper: StreamMapper;
  readonly #runId: string;

  constructor(plan: StreamPlan, mapper: StreamMapper, runId: string) {
    this.values = mapper.values;
    this.#plan = plan;
    this.#mapper = mapper;
    this.#runId = runId;
  }

  async consume(graph: CompiledGraph, input: unknown, callConfig: GraphCallConfig): Promise<void> {
    const plan = this.#plan;
    const config = { ...callConfig, streamMode: plan.graphModes, subgraphs: plan.hasNamespaces };
    if (plan.usesEvents) {
      const events = graph.streamEvents(input, { ...config, version: "v2" });
      for await (const event of events) this.#mapper.addEvent(event, this.#runId);
      return;
    }
    for await (const chunk of await graph.stream(input, config)) this.#mapper.addChunk(chunk);
  }

  addStop(interrupts: unknown[]): void {
    this.#mapper.addStop(interrupts);
  }

  addBudgetWarning(warning: BudgetWarning): void {
    this.#mapper.addRunEvent(BUDGET_EVENT, presentBudgetWarning(warning));
  }
}

class ProtocolStream implements RunStream {
  readonly values: RootValues;
  readonly #mapper: ProtocolMapper;
  readonly #command: RunCommand | undefined;

  constructor(mapper: ProtocolMapper, command: RunCommand | undefined) {
    this.values = mapper.values;
    this.#mapper = mapper;
    this.#command = command;
  }

  async consume(graph: CompiledGraph, input: unknown, config: GraphCallConfig): Promise<void> {
    this.#mapper.addAnswer(this.#command?.resume);
    const events = await openProtocol(graph, input, config);
    for await (const event of events) this.#mapper.addEvent(event);
  }

  addStop(interrupts: unknown[]): void {
    this.#mapper.addStop(interrupts);
  }

  addBudgetWarning(warning: BudgetWarning): void {
    this.#mapper.addCustom(BUDGET_EVENT, presentBudgetWarning(warning));
  }
}

/** A copy of LangGraph from before the protocol streams modes only; the server's own copy makes the protocol of them. */
async function openProtocol(
  graph: CompiledGraph,
  input: unknown,
  config: GraphCallConfig,
): Promise<AsyncIterable<ProtocolEvent>> {
  if (graph.streamTransformers !== undefined) return graph.streamEvents(input, { ...config, version: "v3" });
  const chunks = await graph.stream(input, { ...config, streamMode: [...STREAM_EVENTS_V3_MODES], subgraphs: true });
  return toProtocolEvents(withMessageEvents(chunks as AsyncIterable<GraphChunk>));
}
