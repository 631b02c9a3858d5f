// Maps the chunks a graph streams to the events clients get, one chunk at a time and in order.
import type { StreamMode } from "../domain/run.ts";
import type { NewStreamEvent } from "../domain/stream-event.ts";
import type { GraphEvent } from "./compiled-graph.ts";
import { mapCheckpointChunk, mapDebugChunk, mapTaskChunk } from "./debug-payload.ts";
import { MessageStream } from "./message-stream.ts";
import { type ListHomes, RootValues } from "./root-values.ts";
import type { StreamPlan } from "./stream-plan.ts";
import { wireJson } from "./wire-json.ts";
import { flattenMessage, isMessage } from "./wire-message.ts";

/** Tag of runs that must not be shown. */
const HIDDEN_TAG = "langsmith:hidden";

type Payload = Record<string, unknown>;

/** The chunk that one of LangChain's callback events carries, where it is one of the root graph's own stream. */
export function rootChunkOf(event: GraphEvent, runId: string): unknown {
  const isRoot = event.event === "on_chain_stream" && event.run_id === runId;
  return isRoot && !event.tags?.includes(HIDDEN_TAG) ? event.data.chunk : undefined;
}

export class StreamMapper {
  /** The root graph's values so far. */
  readonly values: RootValues;
  readonly #plan: StreamPlan;
  readonly #emit: (event: NewStreamEvent) => void;
  readonly #messages: MessageStream | undefined;
  #metadata: { object: object; json: string } | undefined;

  /** @param lists where long lists of values are saved; unset for runs without checkpoints */
  constructor(plan: StreamPlan, emit: (event: NewStreamEvent) => void, lists?: ListHomes) {
    this.#plan = plan;
    this.#emit = emit;
    this.values = new RootValues(lists);
    this.#messages = plan.wanted.has("messages") ? new MessageStream(emit) : undefined;
  }

  /** Takes one chunk of `graph.stream`. */
  addChunk(chunk: unknown): void {
    if (!Array.isArray(chunk)) return;
    const [namespace, mode, payload] = this.#plan.hasNamespaces ? chunk : [[], ...chunk];
    this.#add(Array.isArray(namespace) ? namespace : [], mode as StreamMode, payload);
  }

  /** Takes one of LangChain's callback events; those of the root graph's own stream carry the chunks. */
  addEvent(event: GraphEvent, runId: string): void {
    const chunk = rootChunkOf(event, runId);
    if (chunk !== undefined) this.addChunk(chunk);
    else if (!event.tags?.includes(HIDDEN_TAG)) this.#emit({ event: "events", data: wireJson(event) });
  }

  /** Tells of interrupts at which an earlier attempt had stopped already. */
  addStop(interrupts: unknown[]): void {
    for (const mode of ["updates", "values"] as const) this.#add([], mode, { __interrupt__: interrupts });
  }

  /** Something about the run as a whole, which every client is told, whatever modes it asked for. */
  addRunEvent(event: string, data: unknown): void {
    this.#emit({ event, data: JSON.stringify(data) });
  }

  #add(namespace: string[], mode: StreamMode, payload: unknown): void {
    const isRoot = namespace.length === 0;
    if (mode === "messages") {
      this.#addMessage(namespace, payload);
      return;
    }
    if (mode === "values" && isRoot) this.values.note(payload);
    if (this.#plan.wanted.has(mode) && (isRoot || this.#plan.withSubgraphs)) {
      this.#addPlain(namespace, mode, payload);
    }
    if (mode === "values" && isRoot) this.#messages?.addValues(payload);
  }

  #addPlain(namespace: string[], mode: StreamMode, payload: unknown): void {
    const event = this.#name(mode, namespace);
    if (mode === "values" && payload === this.values.last) {
      this.#emit(this.values.toEvent(event));
      return;
    }
    const data = this.#plainJson(mode, payload);
    if (data !== undefined) this.#emit({ event, data });
  }

  #plainJson(mode: StreamMode, payload: unknown): string | undefined {
    if (mode === "debug") return wireJson(mapDebugChunk(payload as Payload));
    if (mode === "tasks") return wireJson(mapTaskChunk(payload as Payload));
    if (mode !== "checkpoints") return wireJson(payload);
    // LangGraph slips short notes about values into this mode; only whole checkpoints have values.
    const isWhole = typeof payload === "object" && payload !== null && "values" in payload;
    return isWhole ? wireJson(mapCheckpointChunk(payload as Payload)) : undefined;
  }

  #addMessage(namespace: string[], payload: unknown): void {
    if (!Array.isArray(payload)) return;
    const [message, metadata] = payload as [unknown, Payload];
    this.#messages?.addChunk(message, metadata);
    if (!this.#plan.wanted.has("messages-tuple") || (namespace.length > 0 && !this.#plan.withSubgraphs)) return;
    const event = this.#name("messages", namespace);
    const text = wireJson(isMessage(message) ? flattenMessage(message) : message);
    this.#emit({ event, data: `[${text},${this.#metadataJson(metadata)}]` });
  }

  /** All chunks of one model call share one metadata object. */
  #metadataJson(metadata: Payload): string {
    if (this.#metadata?.object !== metadata) this.#metadata = { object: metadata, json: wireJson(metadata) };
    return this.#metadata.json;
  }

  #name(mode: string, namespace: string[]): string {
    if (namespace.length === 0) return mode;
    // Node names come from user graphs; a line break in one would end the SSE field.
    return `${mode}|${namespace.join("|").replaceAll(/[\r\n]/g, "")}`;
  }
}
