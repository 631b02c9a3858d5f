// A pgbouncer of Debian's in transaction mode in front of a test's database.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { findFreePort } from "./server-process.ts";

const START_MAX_MS = 10_000;

/** Why tests with pgbouncer cannot run here; `undefined` where they can. */
export const PGBOUNCER_MISSING = hasCommand() ? undefined : "needs the Debian package pgbouncer";

export interface Pgbouncer extends AsyncDisposable {
  /** The database through the pooler. */
  readonly url: string;
}

function hasCommand(): boolean {
  try {
    execFileSync("pgbouncer", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts it.
 * @param options.poolSize connections to PostgreSQL at most
 */
export async function startPgbouncer(databaseUrl: string, options: { poolSize: number }): Promise<Pgbouncer> {
  const port = await findFreePort();
  const dir = await mkdtemp(join(tmpdir(), "holdfast-pgbouncer-"));
  const { host, port: serverPort, user, password, database } = new pg.Client({ connectionString: databaseUrl });
  const target = [`host=${host}`, `port=${serverPort}`, `dbname=${database}`, `user=${user}`];
  if (typeof password === "string" && password !== "") target.push(`password=${password}`);
  const lines = [
    "[databases]",
    `pooled = ${target.join(" ")}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    `default_pool_size = ${options.poolSize}`,
    "max_client_conn = 500",
  ];
  await writeFile(join(dir, "pgbouncer.ini"), `${lines.join("\n")}\n`);
  await chmod(dir, 0o755);
  // It refuses to run as root, as PostgreSQL does.
  const account = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = spawn("pgbouncer", [...account, join(dir, "pgbouncer.ini")], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  for (const deadline = Date.now() + START_MAX_MS; !(await isListening(port)); await sleep(20)) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`pgbouncer did not start:\n${output}`);
  }
  return {
    url: `postgresql://${user}@127.0.0.1:${port}/pooled`,
    async [Symbol.asyncDispose]() {
      await stop(child);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
