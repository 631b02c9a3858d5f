// Turns messages as stream mode `messages` gives them into the content-block events of the event protocol.
import { convertChunksToEvents } from "@langchain/core/language_models/compat";
import { isChunkOfModel } from "./message-stream.ts";
import { isMessage, type MessageLike } from "./wire-message.ts";

/** What stands at the place of a message in a chunk of mode `messages`: an event and what it belongs to. */
export type MessageEventChunk = [
  namespace: string[],
  mode: "messages",
  payload: [event: object, metadata: { langgraph_node: unknown; run_id: string }],
];

/** Whole messages of other types are the model's. */
const ROLES = new Set(["human", "system"]);

/** One message on its way: LangChain's converter, fed by hand. */
class OpenMessage {
  readonly namespace: string[];
  readonly #id: string;
  readonly #node: unknown;
  readonly #converted: object[] = [];
  readonly #done: Promise<void>;
  #give: (chunk: MessageLike | undefined) => void = () => undefined;
  #markAsked: () => void = () => undefined;
  #asked: Promise<void>;

  constructor(id: string, namespace: string[], node: unknown) {
    this.#id = id;
    this.namespace = namespace;
    this.#node = node;
    this.#asked = this.#untilAsked();
    this.#done = this.#convert();
    this.#done.catch(() => undefined);
  }

  /** The events up to and with this piece; `undefined` ends the message. */
  async add(chunk: MessageLike | undefined): Promise<MessageEventChunk[]> {
    await Promise.race([this.#asked, this.#done]);
    this.#asked = this.#untilAsked();
    this.#give(chunk);
    await Promise.race([this.#asked, this.#done]);
    const metadata = { langgraph_node: this.#node, run_id: this.#id };
    return this.#converted.splice(0).map((event) => [this.namespace, "messages", [event, metadata]]);
  }

  #untilAsked(): Promise<void> {
    return new Promise((resolve) => {
      this.#markAsked = resolve;
    });
  }

  async #convert(): Promise<void> {
    for await (const event of convertChunksToEvents(this.#chunks())) this.#converted.push(event);
  }

  async *#chunks(): AsyncGenerator<never> {
    for (;;) {
      const message = await new Promise<MessageLike | undefined>((resolve) => {
        this.#give = resolve;
        this.#markAsked();
      });
      if (message === undefined) return;
      yield { message } as never;
    }
  }
}

/** All messages of one run. A message of a model is open until the task that called the model is done. */
export class MessageEvents {
  readonly #open = new Map<string, OpenMessage>();
  readonly #ended = new Set<string>();

  get hasOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Takes the payload of one chunk. */
  async add(message: unknown, metadata: Record<string, unknown>): Promise<MessageEventChunk[]> {
    if (!isMessage(message) || message.id === undefined || this.#ended.has(message.id)) return [];
    const { id } = message;
    const isPiece = isChunkOfModel(message, metadata);
    const type = typeOf(message);
    // The protocol tells of tools on a channel of their own.
    if (type === "tool") return [];
    const open = this.#open.get(id);
    if (open !== undefined) return isPiece ? this.#feed(id, open, message) : [];
    const place = String(metadata.langgraph_checkpoint_ns ?? metadata.checkpoint_ns ?? "").split("|");
    const begun = new OpenMessage(id, place, metadata.langgraph_node);
    this.#open.set(id, begun);
    const events = await this.#feed(id, begun, message);
    if (isPiece) return events;
    const [first, ...rest] = [...events, ...(await this.#end(id, begun))];
    if (first === undefined) return rest;
    const [namespace, mode, [start, about]] = first;
    return [
      [namespace, mode, [{ ...start, ...(type !== undefined && ROLES.has(type) ? { role: type } : {}) }, about]],
      ...rest,
    ];
  }

  /** Ends the messages of models that were called at or below this place; without one all. */
  async endBelow(place: string[] = []): Promise<MessageEventChunk[]> {
    const events: MessageEventChunk[] = [];
    for (const [id, open] of this.#open) {
      if (place.every((segment, index) => segment === open.namespace[index]))
        events.push(...(await this.#end(id, open)));
    }
    return events;
  }

  #end(id: string, open: OpenMessage): Promise<MessageEventChunk[]> {
    this.#open.delete(id);
    this.#ended.add(id);
    return this.#feed(id, open, undefined);
  }

  /** A message that LangChain cannot convert is left out; it is in the values. */
  async #feed(id: string, open: OpenMessage, chunk: MessageLike | undefined): Promise<MessageEventChunk[]> {
    return open.add(chunk).catch(() => {
      this.#open.delete(id);
      this.#ended.add(id);
      return [];
    });
  }
}

function typeOf(message: MessageLike): string | undefined {
  return message.getType?.() ?? message._getType?.();
}
