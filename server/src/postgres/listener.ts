// A dedicated connection that listens for notifications and comes back by itself when it is lost.
import pg from "pg";

const RECONNECT_PAUSE_MIN_MS = 100;
const RECONNECT_PAUSE_MAX_MS = 5_000;
const CONNECT_MAX_MS = 5_000;
/** A connection that went silent (a cut network says nothing) is found by asking it this often. */
const PROBE_INTERVAL_MS = 15_000;

/** First half of the advisory lock key of every beacon; the second is the hash of its name. */
export const BEACON_LOCK_CLASS = 72_707;

/** Choices for a listener. */
export interface ListenerOptions {
  /** @default "holdfast listener" */
  readonly applicationName?: string;
  /** Names of session locks held as long as the connection lives, telling others that this process is alive. */
  readonly beacons?: readonly string[];
  /** Called after the connection was lost and is back: notifications in between are gone, so read the rows again. */
  readonly onReconnect?: () => void;
  readonly log?: (message: string) => void;
}

/** Where notifications arrive. They are hints: the rows are the truth. */
export interface Listener extends AsyncDisposable {
  /** Starts listening; resolves once the server has confirmed, or at once while the connection is away. */
  listen(channel: string, onPayload: (payload: string) => void): Promise<void>;
  unlisten(channel: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the connection. It must reach PostgreSQL itself or a session-mode pooler: a transaction-mode pooler does not carry notifications.
 * @throws the driver's error when the first connection fails; later losses are repaired in the background.
 */
export async function openListener(url: string, options: ListenerOptions = {}): Promise<Listener> {
  const connection = new ListenerConnection(url, options);
  await connection.connect();
  return connection;
}

class ListenerConnection implements Listener {
  readonly #url: string;
  readonly #options: ListenerOptions;
  readonly #handlers = new Map<string, (payload: string) => void>();
  #client: pg.Client | undefined;
  #probe: NodeJS.Timeout | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(url: string, options: ListenerOptions) {
    this.#url = url;
    this.#options = options;
  }

  async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: this.#options.applicationName ?? "holdfast listener",
      connectionTimeoutMillis: CONNECT_MAX_MS,
      keepAlive: true,
    });
    client.on("error", () => this.#lose(client));
    client.on("end", () => this.#lose(client));
    client.on("notification", ({ channel, payload }) => this.#handlers.get(channel)?.(payload ?? ""));
    try {
      await client.connect();
      // A Map's iterator also visits channels that are added while this loop waits.
      for (const channel of this.#handlers.keys()) {
        await client.query(`listen ${pg.escapeIdentifier(channel)}`);
      }
      for (const beacon of this.#options.beacons ?? []) {
        await client.query("select pg_try_advisory_lock($1, hashtext($2))", [BEACON_LOCK_CLASS, beacon]);
      }
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    if (this.#isClosed) {
      await client.end();
      return;
    }
    this.#client = client;
    this.#probe = setInterval(() => void this.#ask(client), PROBE_INTERVAL_MS);
    this.#probe.unref();
  }

  async listen(channel: string, onPayload: (payload: string) => void): Promise<void> {
    this.#handlers.set(channel, onPayload);
    // A failure here means the connection is going: the reconnect listens to every channel again.
    await this.#client?.query(`listen ${pg.escapeIdentifier(channel)}`).catch(() => {});
  }

  async unlisten(channel: string): Promise<void> {
    this.#handlers.delete(channel);
    await this.#client?.query(`unlisten ${pg.escapeIdentifier(channel)}`).catch(() => {});
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake?.();
    clearInterval(this.#probe);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask(client: pg.Client): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("no answer")), CONNECT_MAX_MS);
    });
    await Promise.race([client.query("select 1"), silence]).catch(() => this.#lose(client));
    clearTimeout(timer);
  }

  #lose(client: pg.Client): void {
    if (this.#client !== client || this.#isClosed) {
      return;
    }
    this.#client = undefined;
    clearInterval(this.#probe);
    void client.end().catch(() => {});
    this.#options.log?.("the notification connection was lost; reconnecting");
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    for (
      let pauseMs = RECONNECT_PAUSE_MIN_MS;
      !this.#isClosed;
      pauseMs = Math.min(pauseMs * 2, RECONNECT_PAUSE_MAX_MS)
    ) {
      await new Promise<void>((resolve) => {
        // Half of the pause is random, so that many processes do not come back in one instant.
        const timer = setTimeout(resolve, pauseMs * (0.5 + Math.random() / 2));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (this.#isClosed) {
        return;
      }
      try {
        await this.connect();
        this.#options.log?.("the notification connection is back");
        this.#options.onReconnect?.();
        return;
      } catch {
        // Still away: the next, longer pause.
      }
    }
  }
}
