// Maps the events of LangGraph's own event protocol to events of a thread's tape.
import type { NewStreamEvent } from "../domain/stream-event.ts";
import { tapeEventName } from "../domain/thread-tape.ts";
import type { ProtocolEvent } from "./compiled-graph.ts";
import { mapTaskChunk } from "./debug-payload.ts";
import { type ListHomes, RootValues } from "./root-values.ts";
import { isLongList } from "./thread-values.ts";
import { wireJson } from "./wire-json.ts";

/** LangGraph's key for interrupts, and its name for the node that reports them. */
const INTERRUPT_KEY = "__interrupt__";
/** LangGraph's ids of interrupts; it tells by this form, too, whether a resume names the interrupts it answers. */
const INTERRUPT_ID = /^[0-9a-f]{32}$/;
/** What extensions of a graph call their events begins so. */
const CUSTOM_PREFIX = "custom:";

type Payload = Record<string, unknown>;

function isRecord(value: unknown): value is Payload {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function interruptsOf(values: unknown): unknown[] {
  if (Array.isArray(values)) return values;
  const listed = isRecord(values) ? values[INTERRUPT_KEY] : undefined;
  return Array.isArray(listed) ? listed : [];
}

/** A task's input repeats the state it starts from: its long lists are in the values before it, and are not written again. */
function withoutLongInput(task: Payload): Payload {
  const { input } = task;
  if (!isRecord(input) || !Object.values(input).some(isLongList)) return task;
  return { ...task, input: Object.fromEntries(Object.entries(input).filter(([, value]) => !isLongList(value))) };
}

export class ProtocolMapper {
  readonly values: RootValues;
  readonly #emit: (event: NewStreamEvent) => void;
  /** Interrupts that were announced; they pass through every graph around the one that asked. */
  readonly #asked = new Set<string>();

  /** @param lists where long lists of values are saved; unset for runs without checkpoints */
  constructor(emit: (event: NewStreamEvent) => void, lists?: ListHomes) {
    this.#emit = emit;
    this.values = new RootValues(lists);
  }

  /** Takes one event of `streamEvents` in version v3. */
  addEvent({ method, params }: ProtocolEvent): void {
    const { namespace, data, node } = params;
    switch (method) {
      case "lifecycle":
        // That of the root graph is told by the run's own row.
        if (namespace.length > 0) this.#add(method, params, data);
        return;
      case "values":
        this.#addValues(params);
        return;
      case "updates":
        this.#addUpdate(params, data as Payload, node);
        return;
      case "tasks":
        this.#add(method, params, mapTaskChunk(withoutLongInput(data as Payload)));
        return;
      case "custom":
        this.#add(method, params, data, isRecord(data) && typeof data.name === "string" ? data.name : undefined);
        return;
      case "messages":
      case "tools":
      case "checkpoints":
        this.#add(method, params, data);
        return;
      default:
        if (!method.startsWith(CUSTOM_PREFIX)) return;
        this.#addExtension(method.slice(CUSTOM_PREFIX.length), params);
    }
  }

  /** The run had stopped at interrupts in an earlier attempt, which may not have come to saying so. */
  addStop(interrupts: unknown[]): void {
    this.values.note({ [INTERRUPT_KEY]: interrupts });
    this.#ask({ namespace: [], timestamp: Date.now(), data: undefined }, interrupts);
  }

  /** Everybody on the thread is to stop offering the interrupts that a resume answers by id. */
  addAnswer(resume: unknown): void {
    const ids = isRecord(resume) ? Object.keys(resume) : [];
    if (ids.length === 0 || !ids.every((id) => INTERRUPT_ID.test(id))) return;
    const data = { interrupt_ids: ids };
    this.#add("input.answered", { namespace: [], timestamp: Date.now(), data }, data);
  }

  /** Something of the server's own, told like an event of the graph's. */
  addCustom(name: string, payload: unknown): void {
    this.#addExtension(name, { namespace: [], timestamp: Date.now(), data: payload });
  }

  #addExtension(name: string, params: ProtocolEvent["params"]): void {
    this.#add("custom", params, { name, payload: params.data }, name);
  }

  #addValues(params: ProtocolEvent["params"]): void {
    const { namespace, timestamp, data } = params;
    const isRoot = namespace.length === 0;
    if (isRoot) this.values.note(data);
    if (isRecord(data) && INTERRUPT_KEY in data) {
      this.#ask(params, interruptsOf(data));
      const { [INTERRUPT_KEY]: _asked, ...rest } = data;
      if (Object.keys(rest).length > 0) this.#add("values", params, rest);
      return;
    }
    const frame = frameOf(params);
    const event = tapeEventName("values", namespace);
    if (isRoot) this.#emit(this.values.toEvent(event, { ...frame, key: "data" }));
    else this.#add("values", { namespace, timestamp, data }, data);
  }

  #addUpdate(params: ProtocolEvent["params"], data: Payload, node: string | undefined): void {
    if (node === INTERRUPT_KEY) this.#ask(params, interruptsOf(data.values));
    else this.#add("updates", params, data.values);
  }

  #ask(params: ProtocolEvent["params"], interrupts: unknown[]): void {
    for (const interrupt of interrupts) {
      if (!isRecord(interrupt) || typeof interrupt.id !== "string" || this.#asked.has(interrupt.id)) continue;
      this.#asked.add(interrupt.id);
      const { namespace, timestamp } = params;
      const data = { interrupt_id: interrupt.id, payload: interrupt.value ?? null };
      this.#add("input.requested", { namespace, timestamp, data }, data);
    }
  }

  #add(method: string, params: ProtocolEvent["params"], data: unknown, custom?: string): void {
    const { before, after } = frameOf(params);
    this.#emit({ event: tapeEventName(method, params.namespace, custom), data: `${before}${wireJson(data)}${after}` });
  }
}

/** The JSON text of `params` around its data. */
function frameOf({ namespace, timestamp, node }: ProtocolEvent["params"]): { before: string; after: string } {
  const by = node === undefined ? "" : `,"node":${JSON.stringify(node)}`;
  return { before: `{"namespace":${JSON.stringify(namespace)},"timestamp":${timestamp}${by},"data":`, after: "}" };
}
