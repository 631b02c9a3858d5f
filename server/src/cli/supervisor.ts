// Keeps a number of worker processes alive: a dead one is replaced, at once at first, then after growing pauses.
import type { ChildProcess } from "node:child_process";
import { stopChild } from "./child-process.ts";

const RESTART_PAUSE_MIN_MS = 200;
const RESTART_PAUSE_MAX_MS = 10_000;
/** A worker that lived this long has proved itself; the next pause is the shortest again. */
const STABLE_AFTER_MS = 30_000;
/** On top of the drain's own grace, for closing connections. */
const STOP_MARGIN_MS = 5_000;

/** What the supervisor needs to know. */
export interface SupervisorOptions {
  readonly count: number;
  /** Starts one worker process. */
  readonly startWorker: (index: number) => ChildProcess;
  /** How long a worker may take to drain. */
  readonly drainGraceMs: number;
  readonly log: (message: string) => void;
}

/** Worker processes, from `start` until stopped. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #workers = new Map<number, ChildProcess>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  start(): void {
    for (let index = 0; index < this.#options.count; index += 1) {
      this.#start(index, RESTART_PAUSE_MIN_MS);
    }
  }

  /** Process ids of the living workers. */
  get pids(): number[] {
    return [...this.#workers.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  #start(index: number, pauseMs: number): void {
    const startedAt = Date.now();
    const child = this.#options.startWorker(index);
    this.#workers.set(index, child);
    child.once("exit", (code, signal) => {
      this.#workers.delete(index);
      if (this.#isStopping) {
        return;
      }
      const waitMs = Date.now() - startedAt > STABLE_AFTER_MS ? RESTART_PAUSE_MIN_MS : pauseMs;
      this.#options.log(
        `worker process ${child.pid ?? "?"} ended (${signal ?? `exit code ${code}`}); starting another in ${waitMs} ms`,
      );
      const timer = setTimeout(() => {
        this.#restarts.delete(timer);
        this.#start(index, Math.min(waitMs * 2, RESTART_PAUSE_MAX_MS));
      }, waitMs);
      this.#restarts.add(timer);
    });
  }

  /** Drains all workers; those that take too long are killed. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#restarts) {
      clearTimeout(timer);
    }
    const graceMs = this.#options.drainGraceMs + STOP_MARGIN_MS;
    await Promise.all([...this.#workers.values()].map((child) => stopChild(child, graceMs)));
  }

  /** Ends all workers without draining. */
  kill(): void {
    this.#isStopping = true;
    for (const child of this.#workers.values()) {
      child.kill("SIGKILL");
    }
  }
}
