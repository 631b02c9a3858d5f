// What the tape shows of a run that computed no events of the protocol: what can be read off its stream modes and its outcome.
import type { StreamEvent } from "./stream-event.ts";
import type { InterruptRecord } from "./thread.ts";
import { firstSeqOf, lastSeqOf, type TapeEvent, type TapeRun } from "./thread-tape.ts";

/** How LangGraph begins the values that only tell of interrupts. */
const INTERRUPT_VALUES = '{"__interrupt__":';

/** Stream modes whose payload is that of the protocol's event, too. */
const SAME_MODES = new Set(["values", "tasks"]);

/** The event of the protocol that an event of the first one amounts to; `undefined` where there is none. Its time is the run's start. */
export function toDerivedEvent(run: TapeRun, event: StreamEvent): TapeEvent | undefined {
  const [mode = "", ...namespace] = event.event.split("|");
  const derived = (data: string, more: { node?: string; channel?: string } = {}): TapeEvent => ({
    seq: firstSeqOf(run.block) + 1 + event.seq,
    eventId: `${run.runId}:${event.seq}`,
    method: mode,
    channel: more.channel ?? mode,
    namespace,
    params: paramsOf(run, namespace, data, more.node),
  });
  if (SAME_MODES.has(mode)) return event.data.startsWith(INTERRUPT_VALUES) ? undefined : derived(event.data);
  if (mode === "updates") return deriveUpdate(event.data, derived);
  if (mode !== "custom") return undefined;
  const payload: unknown = JSON.parse(event.data);
  const name = nameOf(payload);
  if (name === undefined) return derived(`{"payload":${event.data}}`);
  return derived(event.data, { channel: `custom:${name}` });
}

function deriveUpdate(
  data: string,
  derived: (data: string, more: { node: string }) => TapeEvent,
): TapeEvent | undefined {
  const entries = Object.entries(JSON.parse(data) as object);
  const [node, values] = entries[0] ?? [];
  if (node === undefined || node === "__interrupt__") return undefined;
  return derived(JSON.stringify(values), { node });
}

/** A graph names its custom events by a field of theirs. */
function nameOf(payload: unknown): string | undefined {
  const name = typeof payload === "object" && payload !== null ? Reflect.get(payload, "name") : undefined;
  return typeof name === "string" ? name : undefined;
}

/** What stood at the end of the run that came last onto its thread. */
export interface TapeOutcome {
  /** JSON text; `undefined` where the run's own events show the values. */
  valuesJson: string | undefined;
  interrupts: InterruptRecord[];
}

/** What is told right before the end: the values, and what the run asks. */
export function outcomeEvents(run: TapeRun, { valuesJson, interrupts }: TapeOutcome): TapeEvent[] {
  const events: Omit<TapeEvent, "seq">[] = [];
  if (valuesJson !== undefined) events.push(outcomeEvent(run, "values", "values", valuesJson));
  for (const { id, value } of interrupts) {
    if (typeof id !== "string") continue;
    const data = JSON.stringify({ interrupt_id: id, payload: value ?? null });
    events.push(outcomeEvent(run, `input|${id}`, "input.requested", data));
  }
  const firstSeq = lastSeqOf(run.block) - events.length;
  return events.map((event, index) => ({ ...event, seq: firstSeq + index }));
}

function outcomeEvent(run: TapeRun, key: string, method: string, data: string): Omit<TapeEvent, "seq"> {
  return {
    eventId: `synth:${run.runId}:${key}`,
    method,
    channel: method === "values" ? method : "input",
    namespace: [],
    params: paramsOf(run, [], data),
  };
}

function paramsOf(run: TapeRun, namespace: string[], data: string, node?: string): string {
  const by = node === undefined ? "" : `,"node":${JSON.stringify(node)}`;
  const timestamp = run.startedAt?.getTime() ?? 0;
  return `{"namespace":${JSON.stringify(namespace)},"timestamp":${timestamp}${by},"data":${data}}`;
}
