// Writes one run's stream events in batches under its fence and tells the bus only of what is committed.
import type { EventBus } from "../domain/ports/event-bus.ts";
import type { EventLog, Fence } from "../domain/ports/run-queue.ts";
import type { NewStreamEvent, StreamEvent } from "../domain/stream-event.ts";
import { pause, untilDatabaseAnswers } from "./retry.ts";

/** Longest wait for the checkpoint that holds an event's lists; then they are stored with the event. */
const STORABLE_WAIT_MAX_MS = 1_000;

export interface EventWriterOptions {
  fence: Fence;
  log: EventLog;
  bus: EventBus;
  nextSeq: number;
  /** Longest time an event waits for others to be written with it. */
  flushIntervalMs: number;
  batchCountMax: number;
  /** Events kept in memory before `emit` asks its caller to wait. */
  bufferCountMax: number;
  /** Ends the retries while the database is away. */
  signal: AbortSignal;
  /** Told once when a write failed for good, for example because the lease was lost. */
  onFailure: (error: unknown) => void;
}

export class EventWriter {
  readonly #options: EventWriterOptions;
  #nextSeq: number;
  #buffer: StreamEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isFailed = false;
  #flushIntervalMs: number;

  constructor(options: EventWriterOptions) {
    this.#options = options;
    this.#flushIntervalMs = options.flushIntervalMs;
    this.#nextSeq = options.nextSeq;
  }

  /** Number of the last event emitted; -1 before the first. */
  get lastSeq(): number {
    return this.#nextSeq - 1;
  }

  /** From now on events wait at most this long; those that wait already are written. */
  setFlushInterval(flushIntervalMs: number): void {
    if (flushIntervalMs >= this.#flushIntervalMs) return;
    this.#flushIntervalMs = flushIntervalMs;
    if (this.#timer !== undefined) this.#startWriting();
  }

  /** Adds an event to the stream. Returns a promise to wait for where the writer has fallen behind. */
  emit(event: NewStreamEvent): Promise<void> | undefined {
    if (this.#isFailed) return undefined;
    this.#buffer.push(numberEvent(event, this.#nextSeq++));
    if (this.#buffer.length >= this.#options.batchCountMax) this.#startWriting();
    else this.#timer ??= setTimeout(() => this.#startWriting(), this.#flushIntervalMs);
    return this.#buffer.length >= this.#options.bufferCountMax ? this.#writing : undefined;
  }

  /** Waits for a write on its way and returns what is not written yet; the run's end takes it along. */
  async takeRest(): Promise<StreamEvent[]> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    const rest = this.#buffer;
    this.#buffer = [];
    return rest;
  }

  #startWriting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    const { fence, log, bus, signal, batchCountMax, onFailure } = this.#options;
    try {
      do {
        const batch = this.#buffer.slice(0, batchCountMax);
        await untilStorable(batch);
        await untilDatabaseAnswers(() => log.appendEvents(fence, batch), signal);
        this.#buffer.splice(0, batch.length);
        bus.publishEvents(fence.runId, batch);
      } while (this.#buffer.length >= batchCountMax);
      if (this.#buffer.length > 0) this.#timer ??= setTimeout(() => this.#startWriting(), this.#flushIntervalMs);
    } catch (error) {
      this.#isFailed = true;
      this.#buffer = [];
      onFailure(error);
    }
  }
}

/** Waits a short while for the checkpoints that hold the lists of these events. */
async function untilStorable(events: StreamEvent[]): Promise<void> {
  const waits = events.flatMap((event) => event.storable ?? []);
  if (waits.length === 0) return;
  const enough = new AbortController();
  await Promise.race([Promise.all(waits), pause(STORABLE_WAIT_MAX_MS, enough.signal)]);
  enough.abort();
}

/** The numbered event reads through to its source, so that long data stay unwritten until somebody reads them. */
function numberEvent(source: NewStreamEvent, seq: number): StreamEvent {
  const { storable } = source;
  if (!("stored" in source)) return { seq, event: source.event, data: source.data, ...(storable && { storable }) };
  return Object.create(source, { seq: { value: seq, enumerable: true } }) as StreamEvent;
}
