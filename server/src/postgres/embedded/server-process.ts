// Starts and stops the PostgreSQL server process, and explains from its log why it would not start.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { DatabaseUnavailableError } from "../../domain/errors.ts";
import { serverEnvironment } from "./cluster.ts";
import type { EmbeddedPlace } from "./place.ts";
import { isPostmasterAlive, postmasterFile, readPostmaster } from "./postmaster.ts";

const run = promisify(execFile);

/** The log is started afresh (one old copy kept) when larger than this. */
const LOG_BYTES_MAX = 10 * 1024 * 1024;
/** How much of the log's end is read to explain a failed start. */
const LOG_TAIL_BYTES = 4_096;
/** A fast shutdown writes a checkpoint; after this long the server is told to stop without one (it recovers at the next start). */
const FAST_STOP_MAX_MS = 30_000;
const STOP_POLL_MS = 20;

/** How clients reach the server. */
export type Endpoint =
  | { readonly kind: "socket"; readonly port: number }
  | { readonly kind: "tcp"; readonly port: number };

/** Settings that fit a laptop and a small server alike; who needs more brings a server of their own. */
const SETTINGS: readonly string[] = [
  "max_connections=100",
  "shared_buffers=128MB",
  "timezone=UTC",
  "log_timezone=UTC",
  // Failed statements are reported to their client; the server's log is for the server's own life.
  "log_min_messages=log",
  "log_checkpoints=off",
  "jit=off",
  // Parallel plans need more shared memory than containers grant by default (64 MB), and short statements never gain from them.
  "max_parallel_workers_per_gather=0",
];

/** For throw-away test databases only: nothing is flushed, a crash of the machine loses everything. */
const NOT_DURABLE_SETTINGS: readonly string[] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/** A server process and where its own lines begin in the log. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly logOffset: number;
}

/** Starts the server detached: killing this process leaves it running, ready to be adopted by the next. */
export async function spawnServer(
  place: EmbeddedPlace,
  endpoint: Endpoint,
  isDurable: boolean,
): Promise<ServerProcess> {
  await rotateLog(place.logFile);
  const logOffset = (await stat(place.logFile).catch(() => undefined))?.size ?? 0;
  const log = openSync(place.logFile, "a", 0o600);
  try {
    const reach =
      endpoint.kind === "socket"
        ? ["listen_addresses=", `unix_socket_directories=${place.socketDir}`, "unix_socket_permissions=0700"]
        : ["listen_addresses=127.0.0.1", "unix_socket_directories="];
    const settings = [...reach, ...SETTINGS, ...(isDurable ? [] : NOT_DURABLE_SETTINGS)];
    const child = spawn(
      place.binaries.postgres,
      ["-D", place.clusterDir, "-p", String(endpoint.port), ...settings.flatMap((setting) => ["-c", setting])],
      {
        cwd: place.clusterDir,
        detached: true,
        env: serverEnvironment(),
        stdio: ["ignore", log, log],
        windowsHide: true,
        uid: place.account?.uid,
        gid: place.account?.gid,
      },
    );
    child.on("error", () => {}); // A failed spawn shows as a process without a pid; the caller reports it.
    child.unref();
    return { child, logOffset };
  } finally {
    closeSync(log);
  }
}

/** Stops the server: fast (open transactions are rolled back, a checkpoint is written), then at once if that takes too long. */
export async function stopServer(place: EmbeddedPlace): Promise<void> {
  const record = await readPostmaster(place.clusterDir);
  if (record === undefined) {
    return;
  }
  if (process.platform === "win32") {
    await run(place.binaries.pgCtl, ["stop", "-D", place.clusterDir, "-m", "fast", "-w"], { windowsHide: true });
    return;
  }
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    signalPostmaster(record.pid, signal);
    const deadline = Date.now() + FAST_STOP_MAX_MS;
    while (Date.now() < deadline) {
      if (!(await isPostmasterAlive(record.pid, place.clusterDir))) {
        return;
      }
      await sleep(STOP_POLL_MS);
    }
  }
  throw new DatabaseUnavailableError(`The embedded database (process ${record.pid}) did not stop within a minute.`);
}

function signalPostmaster(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error; // ESRCH: already gone, which is what was wanted.
    }
  }
}

/** Removes the lock file of a server that is dead, unless a new server has replaced it meanwhile. */
export async function removeStaleLock(place: EmbeddedPlace, stalePid: number): Promise<void> {
  const now = await readPostmaster(place.clusterDir);
  if (now?.pid === stalePid) {
    await rm(postmasterFile(place.clusterDir), { force: true });
  }
}

/** The lines a failed server wrote, newest last. */
export async function readOwnLog(place: EmbeddedPlace, logOffset: number): Promise<string> {
  const text = await readFile(place.logFile, "utf8").catch(() => "");
  return Buffer.from(text).subarray(logOffset).subarray(-LOG_TAIL_BYTES).toString().trim();
}

/** Turns what the server wrote before it gave up into an error with a remedy. */
export function explainFailedStart(place: EmbeddedPlace, ownLog: string): DatabaseUnavailableError {
  const remedies: [RegExp, string][] = [
    [/no space left on device/i, "The disk is full: free some space and start again"],
    [
      /invalid permissions|permission denied|wrong ownership|operation not permitted/i,
      "Check the permissions and owner of that folder, or choose one on a local disk with HOLDFAST_DATA_DIR",
    ],
    [
      /shared memory|cannot allocate memory/i,
      "The system grants too little memory: raise the limit of the container or machine",
    ],
  ];
  const remedy =
    remedies.find(([pattern]) => pattern.test(ownLog))?.[1] ??
    `The whole log is in ${place.logFile}. If the folder is damaged, restore it from a backup or choose another with HOLDFAST_DATA_DIR`;
  return new DatabaseUnavailableError(
    `The embedded database in ${place.clusterDir} did not start: ${ownLog || "it wrote no reason"}. ${remedy}, or set DATABASE_URL.`,
  );
}

async function rotateLog(logFile: string): Promise<void> {
  const handle = await open(logFile, "a", 0o600);
  const { size } = await handle.stat();
  await handle.close();
  if (size > LOG_BYTES_MAX) {
    await rename(logFile, `${logFile}.1`).catch(() => {});
  }
}
