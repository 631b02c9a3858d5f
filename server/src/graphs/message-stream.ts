// The stream mode `messages`: accumulated partial messages, their metadata once, and every complete message once.
import type { NewStreamEvent } from "../domain/stream-event.ts";
import { wireJson } from "./wire-json.ts";
import { isMessage, type MessageLike } from "./wire-message.ts";

/** Set by LangChain on the metadata of chat models' own runs, never on that of nodes. */
const MODEL_METADATA_KEY = "ls_model_type";

/** Whether this is a piece of what a model streams; other messages are whole. */
export function isChunkOfModel(message: MessageLike, metadata: Record<string, unknown>): boolean {
  return message.concat !== undefined && metadata[MODEL_METADATA_KEY] !== undefined;
}

export class MessageStream {
  readonly #partial = new Map<string, MessageLike>();
  readonly #completed = new Set<string>();
  readonly #emit: (event: NewStreamEvent) => void;

  constructor(emit: (event: NewStreamEvent) => void) {
    this.#emit = emit;
  }

  /** Takes one chunk a model streamed. Whole messages are passed over: they come with the values. */
  addChunk(message: unknown, metadata: Record<string, unknown>): void {
    if (!isMessage(message) || !isChunkOfModel(message, metadata)) return;
    const { id } = message;
    if (id === undefined) return;
    const before = this.#partial.get(id);
    if (before === undefined) {
      this.#emit({ event: "messages/metadata", data: wireJson({ [id]: { metadata } }) });
    }
    const accumulated = before?.concat?.(message) ?? message;
    this.#partial.set(id, accumulated);
    this.#emit({ event: "messages/partial", data: wireJson([accumulated]) });
  }

  /** Takes the root graph's values after a superstep. */
  addValues(values: unknown): void {
    if (typeof values !== "object" || values === null || !("messages" in values)) return;
    const messages = Array.isArray(values.messages) ? values.messages : [values.messages];
    const fresh: MessageLike[] = [];
    for (const message of messages) {
      if (!isMessage(message) || message.id === undefined || this.#completed.has(message.id)) continue;
      this.#completed.add(message.id);
      this.#partial.delete(message.id);
      fresh.push(message);
    }
    if (fresh.length > 0) this.#emit({ event: "messages/complete", data: wireJson(fresh) });
  }
}
