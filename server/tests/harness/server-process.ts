// Real `holdfast` processes, as they are installed: for crashes, signals and whatever crosses process borders.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { TEST_PROJECT_FILE } from "./test-server.ts";

const HOLDFAST_BIN = fileURLToPath(new URL("../../bin/holdfast.js", import.meta.url));
const READY_MAX_MS = 45_000;

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** Everything printed so far, both streams. */
  output(): string;
  /** Waits for the end. `code` is null when a signal ended it. */
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface ProcessOptions {
  env?: Record<string, string | undefined>;
  /** @default a free one */
  port?: number;
}

/** Starts `holdfast ...args`; it may not be ready yet. Dispose it at the end, dead or alive. */
export async function spawnHoldfast(args: string[], options: ProcessOptions = {}): Promise<ServerProcess> {
  const port = options.port ?? (await findFreePort());
  const child = spawn(process.execPath, [HOLDFAST_BIN, ...args], {
    cwd: tmpdir(),
    env: {
      ...process.env,
      NODE_ENV: undefined,
      VITEST: undefined,
      HOLDFAST_CONFIG: TEST_PROJECT_FILE,
      HOLDFAST_LOG_FORMAT: "json",
      LOG_LEVEL: "info",
      ...options.env,
      PORT: String(port),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const closed = once(child, "close").then(([code, signal]) => ({ code, signal }));
  return {
    url: `http://127.0.0.1:${port}`,
    child,
    output: () => output,
    ended: () => closed,
    kill(signal) {
      child.kill(signal);
      return closed;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** Starts an API process (with or without runs of its own) and waits until it is ready. */
export async function startApi(options: ProcessOptions, command: "api" | "dev" = "api"): Promise<ServerProcess> {
  const server = await spawnHoldfast([command, ...(command === "dev" ? ["--no-reload"] : [])], options);
  const isReady = () =>
    fetch(`${server.url}/ok`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitUntil(server, isReady);
  return server;
}

/** Starts a worker process and waits until it takes runs. */
export async function startWorker(options: ProcessOptions): Promise<ServerProcess> {
  const worker = await spawnHoldfast(["worker"], options);
  await waitUntil(worker, async () => /worker started/i.test(worker.output()));
  return worker;
}

async function waitUntil(server: ServerProcess, isReady: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + READY_MAX_MS; Date.now() < deadline; await sleep(30)) {
    if (await isReady()) return;
    if (server.child.exitCode !== null || server.child.signalCode !== null) break;
  }
  throw new Error(`holdfast did not become ready:\n${server.output()}`);
}

export async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
