// Scripted behaviour: a queue of replies, or a function that makes them; the default rules answer when neither does.
import type { Conversation } from "./conversation.ts";
import { defaultReply } from "./default-reply.ts";
import type { RecordedCall } from "./recorded-call.ts";
import type { StubReply } from "./reply.ts";

/** Makes the reply to a request; `undefined` leaves it to the default rules. */
export type ReplyFunction = (
  conversation: Conversation,
  call: RecordedCall,
) => StubReply | string | undefined | Promise<StubReply | string | undefined>;

/** What a stub will say next. */
export class Script {
  private queue: (StubReply | string)[] = [];
  private decide: ReplyFunction | undefined;

  /** Replaces the function, or appends replies to the queue; the queue goes first. */
  set(replies: (StubReply | string | ReplyFunction)[]): void {
    for (const reply of replies) {
      if (typeof reply === "function") this.decide = reply;
      else this.queue.push(reply);
    }
  }

  /** The reply to a request. */
  async next(conversation: Conversation, call: RecordedCall): Promise<StubReply | string> {
    return this.queue.shift() ?? (await this.decide?.(conversation, call)) ?? defaultReply(conversation);
  }
}
