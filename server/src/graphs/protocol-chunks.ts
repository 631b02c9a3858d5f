// From the chunks a graph streams, subgraphs included, to the events of LangGraph's event protocol.
import { createGraphRunStream } from "@langchain/langgraph/web";
import type { ProtocolEvent } from "./compiled-graph.ts";
import { MessageEvents } from "./message-events.ts";

export type GraphChunk = readonly [namespace: string[], mode: string, payload: unknown];

type Payload = Record<string, unknown>;

/** @param transformers extensions of the graph */
export function toProtocolEvents(
  chunks: AsyncIterable<GraphChunk>,
  transformers: unknown[] = [],
): AsyncIterable<ProtocolEvent> {
  const source = chunks as unknown as Parameters<typeof createGraphRunStream>[0];
  const extensions = transformers as Parameters<typeof createGraphRunStream>[1];
  return createGraphRunStream(source, extensions) as AsyncIterable<ProtocolEvent>;
}

/**
 * Puts content-block events in place of the messages of stream mode `messages`. A message ends with the task that made it, before that
 * task's update: LangGraph sends the update right before the task's result.
 */
export async function* withMessageEvents(chunks: AsyncIterable<GraphChunk>): AsyncGenerator<GraphChunk> {
  const messages = new MessageEvents();
  let update: GraphChunk | undefined;
  for await (const chunk of chunks) {
    const [namespace, mode, payload] = chunk;
    if (mode === "tasks" && isResult(payload)) {
      yield* await messages.endBelow([...namespace, `${payload.name}:${payload.id}`]);
    }
    if (update !== undefined) yield update;
    update = undefined;
    if (mode === "updates" && messages.hasOpen) update = chunk;
    else if (mode !== "messages") yield chunk;
    else if (Array.isArray(payload)) yield* await messages.add(payload[0], payload[1] as Payload);
  }
  if (update !== undefined) yield update;
  yield* await messages.endBelow();
}

/** Of the two chunks of a task, only the first says what triggered it. */
function isResult(payload: unknown): payload is { id: unknown; name: unknown } {
  return typeof payload === "object" && payload !== null && !("triggers" in payload);
}
