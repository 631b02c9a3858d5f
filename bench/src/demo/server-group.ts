// The demo's server: `holdfast start` in a process group of its own, so that one signal kills API and workers alike.
import { spawn } from "node:child_process";
import { DEMO_PROJECT_FILE, findFreePort, HOLDFAST_BIN } from "../harness/server-process.ts";

export type { ReceivedEvent } from "../harness/check-input.ts";

export interface ServerGroup {
  url: string;
  port: number;
  exited: Promise<void>;
  killAll(): void;
  stop(): Promise<void>;
}

const READY_MAX_MS = 60_000;

export async function startedGroup(dataDir: string, wantedPort?: number): Promise<ServerGroup> {
  const port = wantedPort ?? (await findFreePort());
  const child = spawn(process.execPath, [HOLDFAST_BIN, "start"], {
    cwd: dataDir,
    detached: true,
    env: {
      ...process.env,
      PORT: String(port),
      HOLDFAST_DATA_DIR: dataDir,
      HOLDFAST_CONFIG: DEMO_PROJECT_FILE,
      HOLDFAST_WORKERS: "1",
      HOLDFAST_DEMO_DELAY_MS: "15",
      LOG_LEVEL: "error",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const deadlineMs = Date.now() + READY_MAX_MS;
  while (
    !(await fetch(`${url}/ok`).then(
      (response) => response.ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || Date.now() > deadlineMs) throw new Error("holdfast did not start");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    url,
    port,
    exited,
    killAll: () => process.kill(-child.pid!, "SIGKILL"),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await exited;
    },
  };
}
