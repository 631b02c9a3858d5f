// One connection to Redis that publishes and subscribes until it is lost; silence counts as a loss within a second.
import { createClient } from "@redis/client";

const CONNECT_MAX_MS = 2_000;
/** Time for what is on its way when the connection is closed. */
const CLOSE_MAX_MS = 500;
/** How often the connection is looked after. */
const LOOK_INTERVAL_MS = 100;
/** A command without an answer for so many looks means that Redis hangs. Looks are counted, not time, for an event loop of ours that was blocked is no silence of Redis. */
const SILENT_LOOKS_MAX = 6;
/** Looks between the questions that find a silent connection while nothing is published. */
const IDLE_LOOKS_MAX = 10;
/** Characters on their way to Redis; above it, messages are refused until some are answered. */
const UNANSWERED_CHARS_MAX = 8 * 1024 * 1024;

type Client = ReturnType<typeof newClient>;
export type OnMessage = (message: string, channel: string) => void;

/** How a connection ended. */
export interface RedisLoss {
  reason: Error;
  /** Tags of messages that are not known to have arrived. */
  unanswered: string[];
}

interface Command {
  tag: string | undefined;
  chars: number;
}

export class RedisConnection {
  /** Resolves when the connection is lost; never after `close`. */
  readonly lost: Promise<RedisLoss>;
  readonly #client: Client;
  readonly #onMessage: OnMessage;
  readonly #unanswered = new Set<Command>();
  readonly #looking: NodeJS.Timeout;
  #resolveLost: (loss: RedisLoss) => void = () => undefined;
  #isOver = false;
  #unansweredChars = 0;
  #oldest: Command | undefined;
  #silentLooks = 0;
  #idleLooks = 0;

  /** Connects and subscribes. @throws where that fails or takes longer than 2 s */
  static async open(url: string, channels: string[], onMessage: OnMessage): Promise<RedisConnection> {
    const client = newClient(url);
    const late = AbortSignal.timeout(CONNECT_MAX_MS);
    const opening = client
      .connect()
      .then(() => (channels.length > 0 ? client.subscribe(channels, onMessage) : undefined));
    try {
      await new Promise<void>((resolve, reject) => {
        late.addEventListener("abort", () => reject(new Error(`no answer within ${CONNECT_MAX_MS} ms`)));
        opening.then(() => resolve(), reject);
      });
    } catch (error) {
      opening.catch(() => undefined);
      destroy(client);
      throw error;
    }
    return new RedisConnection(client, onMessage);
  }

  private constructor(client: Client, onMessage: OnMessage) {
    this.#client = client;
    this.#onMessage = onMessage;
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve;
    });
    client.on("error", (error: Error) => this.#lose(error));
    client.on("end", () => this.#lose(new Error("the connection ended")));
    this.#looking = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
    this.#looking.unref();
  }

  /** Sends a message; false when it was not sent, because Redis is away or too far behind. */
  publish(channel: string, message: string, tag: string): boolean {
    if (this.#isOver || this.#unansweredChars > UNANSWERED_CHARS_MAX) return false;
    this.#await({ tag, chars: message.length }, this.#client.publish(channel, message));
    return true;
  }

  /** Calls back when messages of the channels are sure to arrive. */
  subscribe(channels: string[], onSubscribed: () => void): void {
    if (this.#isOver) return;
    this.#await({ tag: undefined, chars: 0 }, this.#client.subscribe(channels, this.#onMessage), onSubscribed);
  }

  unsubscribe(channel: string): void {
    // Named with its listener, the client lets a subscription that follows at once through.
    if (!this.#isOver) this.#await({ tag: undefined, chars: 0 }, this.#client.unsubscribe(channel, this.#onMessage));
  }

  /** Lets what is on its way arrive, but does not wait for a Redis that hangs. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#looking);
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MAX_MS);
    });
    await Promise.race([this.#client.close().catch(() => undefined), enough]);
    clearTimeout(timer);
    destroy(this.#client);
  }

  #await(command: Command, answer: Promise<unknown>, onAnswer?: () => void): void {
    this.#unanswered.add(command);
    this.#unansweredChars += command.chars;
    answer.then(
      () => {
        this.#unanswered.delete(command);
        this.#unansweredChars -= command.chars;
        if (!this.#isOver) onAnswer?.();
      },
      (error: Error) => this.#lose(error),
    );
  }

  #look(): void {
    const [oldest] = this.#unanswered;
    this.#silentLooks = oldest !== undefined && oldest === this.#oldest ? this.#silentLooks + 1 : 0;
    this.#oldest = oldest;
    if (this.#silentLooks >= SILENT_LOOKS_MAX) {
      this.#lose(new Error("Redis does not answer"));
    } else if (oldest === undefined && ++this.#idleLooks >= IDLE_LOOKS_MAX) {
      this.#idleLooks = 0;
      this.#await({ tag: undefined, chars: 0 }, this.#client.ping());
    }
  }

  #lose(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#looking);
    destroy(this.#client);
    this.#resolveLost({ reason, unanswered: [...this.#unanswered].flatMap(({ tag }) => tag ?? []) });
  }
}

function newClient(url: string) {
  const client = createClient({
    url,
    socket: { connectTimeout: CONNECT_MAX_MS, reconnectStrategy: false },
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
  });
  // Whoever uses the connection hears of it too; without a listener an error would end the process.
  client.on("error", () => undefined);
  return client;
}

function destroy(client: Client): void {
  if (client.isOpen) client.destroy();
}
