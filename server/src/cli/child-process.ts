// Starts this same program again as a child that ends with its parent.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { copyEnv } from "../config/env.ts";

/** What a child tells its parent once it serves. */
interface ReadyMessage {
  readonly kind: "holdfast-ready";
  /** Unset for a process without an API. */
  readonly address: string | undefined;
}

/** Starts `holdfast ...args`. Its end of the channel closing tells it to drain, whether its parent asked or died. */
export function forkSelf(args: readonly string[], env: NodeJS.ProcessEnv = copyEnv()): ChildProcess {
  const entry = process.argv[1];
  if (entry === undefined) {
    throw new Error("The path of this program is unknown.");
  }
  return fork(entry, args, { env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

/** Tells the parent, if there is one, that this process serves. */
export function reportReady(address: string | undefined): void {
  const message: ReadyMessage = { kind: "holdfast-ready", address };
  process.send?.(message);
}

/** Calls `onReady` when the child serves. */
export function listenForReady(child: ChildProcess, onReady: (address: string | undefined) => void): void {
  child.on("message", (message) => {
    if (typeof message === "object" && message !== null && "kind" in message && message.kind === "holdfast-ready") {
      onReady((message as ReadyMessage).address);
    }
  });
}

/** Lets the child drain, and kills it when that takes longer than `graceMs`. Nothing is lost then: its runs are taken over. */
export async function stopChild(child: ChildProcess, graceMs: number): Promise<void> {
  if (hasExited(child)) {
    return;
  }
  const exited = once(child, "exit");
  if (child.connected) {
    child.disconnect();
  }
  const timer = new AbortController();
  await Promise.race([exited, sleep(graceMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
  if (!hasExited(child)) {
    child.kill("SIGKILL");
    await exited;
  }
}

/** Whether the child is gone. */
export function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
