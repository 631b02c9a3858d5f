// Starts each contestant of a comparison as a process of its own on the same database server.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BENCH_PROJECT_FILE, findFreePort, HOLDFAST_BIN } from "../harness/server-process.ts";

export const CONTESTANTS = ["holdfast", "holdfast-start", "in-process", "dev-server"] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

export interface Contestant extends AsyncDisposable {
  name: ContestantName;
  url: string;
  pid: number;
  /** Whether threads must be created before they are run on. */
  needsThread: boolean;
}

const READY_MAX_MS = 60_000;

/** The command line of a contestant. */
function argumentsOf(name: ContestantName): string[] {
  if (name === "holdfast") return [HOLDFAST_BIN, "dev"];
  if (name === "holdfast-start") return [HOLDFAST_BIN, "start"];
  const script = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return name === "dev-server" ? ["--import", "tsx", script] : [script];
}

/**
 * @param databaseUrl a database of its own
 * @param env more of its environment
 */
export async function startContestant(
  name: ContestantName,
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<Contestant> {
  const port = await findFreePort();
  const cwd = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const child = spawn(process.execPath, argumentsOf(name), {
    cwd: name === "dev-server" || name === "in-process" ? fileURLToPath(new URL("../..", import.meta.url)) : cwd,
    env: {
      ...process.env,
      ...env,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      HOLDFAST_CONFIG: BENCH_PROJECT_FILE,
      HOLDFAST_SLOTS: process.env.HOLDFAST_SLOTS ?? "50",
      LOG_LEVEL: "error",
      NODE_ENV: "production",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(url, child);
  return {
    name,
    url,
    pid: child.pid!,
    needsThread: name !== "in-process",
    async [Symbol.asyncDispose]() {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function waitFor(url: string, child: ChildProcess): Promise<void> {
  const deadlineMs = Date.now() + READY_MAX_MS;
  while (Date.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`a contestant ended with code ${child.exitCode} before it was ready`);
    if (
      await fetch(`${url}/ok`).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("a contestant was not ready in time");
}
