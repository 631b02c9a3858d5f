// The main thread's side of the lease keeper: starts the thread, tells it which leases to keep, passes on what it says.
import { Worker as Thread } from "node:worker_threads";
import type { LeaseKeeper, LeaseKeeperListener } from "../../domain/ports/lease-keeper.ts";
import type { Fence } from "../../domain/ports/run-queue.ts";
import { BEAT_INTERVAL_MS, type FromKeeper, type KeeperStart, type ToKeeper } from "./keeper-messages.ts";

export interface LeaseKeeperOptions {
  url: string;
  /** False behind a pooler that cannot keep them. @default true */
  preparedStatements?: boolean;
  workerId: string;
  leaseDurationMs: number;
  heartbeatIntervalMs: number;
}

/** Starts the thread. Run from source (tests, development) it first needs a loader for TypeScript. */
function startThread(workerData: KeeperStart): Thread {
  if (!import.meta.url.endsWith(".ts"))
    return new Thread(new URL("./keeper-thread.js", import.meta.url), { workerData });
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const file = JSON.stringify(new URL("./keeper-thread.ts", import.meta.url).href);
  const code = `import(${loader}).then(({ register }) => { register(); return import(${file}); })`;
  return new Thread(code, { eval: true, workerData });
}

export function startLeaseKeeper(options: LeaseKeeperOptions, listener: LeaseKeeperListener): LeaseKeeper {
  const beat = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const thread = startThread({ ...options, beat });
  const exited = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
  thread.on("message", (message: FromKeeper) => {
    if (message.kind === "renewed") listener.renewed(message.renewal);
    else if (message.kind === "blocked") listener.blocked(message.blockage);
    else listener.failed(new Error(message.message));
  });
  thread.on("error", (error) => listener.failed(error));
  thread.unref();
  const beating = setInterval(() => Atomics.add(beat, 0, 1), BEAT_INTERVAL_MS);
  beating.unref();
  const tell = (message: ToKeeper) => thread.postMessage(message);
  return {
    hold: (fence: Fence) => tell({ kind: "hold", fence }),
    release: (runId: string) => tell({ kind: "release", runId }),
    async [Symbol.asyncDispose]() {
      clearInterval(beating);
      tell({ kind: "close" });
      await exited;
    },
  };
}
