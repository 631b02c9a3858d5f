// Starts and kills real `holdfast` processes, as an operator's machine would run them.
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

export const HOLDFAST_BIN = fileURLToPath(import.meta.resolve("@holdfast/server/bin/holdfast.js"));

/** Project file with the graphs that benches and chaos tests run. */
export const BENCH_PROJECT_FILE = fileURLToPath(new URL("../../graphs/langgraph.json", import.meta.url));
/** Project file of the demo: the built-in assistant beside the graph that is killed. */
export const DEMO_PROJECT_FILE = fileURLToPath(new URL("../../graphs/demo.langgraph.json", import.meta.url));

const READY_MAX_MS = 60_000;

/** A bench that is stopped half-way must not leave its servers behind. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
const OUTPUT_CHARS_MAX = 200_000;

export interface ProcessOptions {
  command: "start" | "dev" | "api" | "worker";
  env: Record<string, string>;
  /** @default a free one */
  port?: number;
  cwd?: string;
}

export interface ServerProcess {
  url: string;
  port: number;
  child: ChildProcess;
  /** What it printed, the newest part. */
  output(): string;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<void>;
  hasExited(): boolean;
}

/** Starts a process; with an API it is ready when this returns. */
export async function startProcess(options: ProcessOptions): Promise<ServerProcess> {
  const port = options.port ?? (await findFreePort());
  const child = spawn(process.execPath, [HOLDFAST_BIN, options.command], {
    cwd: options.cwd,
    env: {
      ...process.env,
      HOLDFAST_CONFIG: BENCH_PROJECT_FILE,
      LOG_LEVEL: "info",
      HOLDFAST_SCHEMA_TIMEOUT_MS: "0",
      ...options.env,
      PORT: String(port),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  let output = "";
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const started: ServerProcess = {
    url: `http://127.0.0.1:${port}`,
    port,
    child,
    output: () => output,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    async kill(signal) {
      if (!this.hasExited()) child.kill(signal);
      await exited;
    },
  };
  if (options.command !== "worker") await waitUntilReady(started);
  return started;
}

/** Waits until `/ok` answers 200. @throws with the process's output when it ends or takes too long */
export async function waitUntilReady(server: ServerProcess): Promise<void> {
  const deadlineMs = Date.now() + READY_MAX_MS;
  while (Date.now() < deadlineMs) {
    if (server.hasExited()) throw new Error(`holdfast ended before it was ready:\n${server.output()}`);
    const isReady = await fetch(`${server.url}/ok`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`holdfast was not ready within ${READY_MAX_MS} ms:\n${server.output()}`);
}

export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
