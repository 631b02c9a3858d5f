// Runs the development server as a child process and replaces it when sources change: Node never forgets a loaded ES module.
import type { ChildProcess } from "node:child_process";
import { forkSelf, hasExited, listenForReady, stopChild } from "./child-process.ts";
import { waitForStop } from "./run-until-stopped.ts";
import { watchProject } from "./watch-project.ts";

/** A run in flight may hold up a restart this long; it is then cut off, and resumes from its checkpoint after the restart. */
const RELOAD_GRACE_MS = 2_000;
/** On top of the drain's own grace, for closing connections. */
const STOP_MARGIN_MS = 5_000;
const NAMED_FILES_MAX = 3;

/** What to run and what to watch. */
export interface ReloadingOptions {
  /** Folder to watch. */
  readonly dir: string;
  /** Arguments of the child. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly drainGraceMs: number;
  readonly log: (message: string) => void;
}

/** One development server over its many lives. */
export class ReloadingServer {
  readonly #options: ReloadingOptions;
  #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #hasServed = false;
  #isStopping = false;
  #restart: Promise<void> = Promise.resolve();
  #giveUp: (code: number) => void = () => {};

  constructor(options: ReloadingOptions) {
    this.#options = options;
    this.#env = options.env;
  }

  /** Runs until a signal, or until the very first start fails. @returns the exit code */
  async run(): Promise<number> {
    const stop = waitForStop({ withParent: true });
    const failed = new Promise<number>((resolve) => {
      this.#giveUp = resolve;
    });
    // Ended by a second signal, this process must not leave the child serving.
    const killChild = (): void => void this.#child?.kill("SIGKILL");
    process.once("exit", killChild);
    this.#start();
    const watch = await watchProject(this.#options.dir, (files) => this.#reload(files));
    const exitCode = await Promise.race([failed, stop.asked.then(() => 0)]);
    this.#isStopping = true;
    watch.close();
    await this.#restart;
    if (this.#child !== undefined) {
      await stopChild(this.#child, this.#options.drainGraceMs + STOP_MARGIN_MS);
    }
    process.off("exit", killChild);
    stop.forget();
    return exitCode;
  }

  #start(): void {
    const startedAt = Date.now();
    const isFirst = !this.#hasServed;
    const child = forkSelf(isFirst ? this.#options.args : [...this.#options.args, "--quiet"], this.#env);
    this.#child = child;
    listenForReady(child, (address) => {
      this.#hasServed = true;
      // Whoever asked for any free port keeps the one they got.
      this.#env = { ...this.#env, ...(address === undefined ? {} : { PORT: new URL(address).port }) };
      if (!isFirst) {
        this.#options.log(`restarted in ${Date.now() - startedAt} ms`);
      }
    });
    child.once("exit", (code, signal) => {
      if (this.#child !== child || this.#isStopping) {
        return;
      }
      if (!this.#hasServed) {
        this.#giveUp(code || 1);
      } else {
        this.#options.log(`the server ended (${signal ?? `exit code ${code}`}); it starts again when a file changes`);
      }
    });
  }

  #reload(files: string[]): void {
    this.#restart = this.#restart.then(async () => {
      const child = this.#child;
      if (this.#isStopping || child === undefined) {
        return;
      }
      const others = files.length > NAMED_FILES_MAX ? ` and ${files.length - NAMED_FILES_MAX} more` : "";
      this.#options.log(`${files.slice(0, NAMED_FILES_MAX).join(", ")}${others} changed; restarting`);
      this.#child = undefined;
      if (!hasExited(child)) {
        await stopChild(child, RELOAD_GRACE_MS);
      }
      if (!this.#isStopping) {
        this.#start();
      }
    });
  }
}
