// Reads PostgreSQL's own lock file and tells whether the server it names is alive.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a running server writes into `postmaster.pid`. */
export interface PostmasterRecord {
  readonly pid: number;
  readonly port: number;
  /** Empty where the server has no unix socket. */
  readonly socketDir: string;
  /** Empty where the server does not listen on TCP. */
  readonly listenAddress: string;
}

/** Path of the lock file. */
export function postmasterFile(clusterDir: string): string {
  return join(clusterDir, "postmaster.pid");
}

/** The lock file's content, or `undefined` where there is none or the server has not finished writing it. */
export async function readPostmaster(clusterDir: string): Promise<PostmasterRecord | undefined> {
  const text = await readFile(postmasterFile(clusterDir), "utf8").catch(() => undefined);
  // Line meaning: pid, data directory, start time, port, first socket directory, first listen address, shared memory key, status.
  const [pid, , , port, socketDir, listenAddress] = text?.split("\n").map((line) => line.trim()) ?? [];
  if (!pid || !(Number(pid) > 0)) {
    return undefined;
  }
  return { pid: Number(pid), port: Number(port ?? 0), socketDir: socketDir ?? "", listenAddress: listenAddress ?? "" };
}

/**
 * Whether `pid` is a live PostgreSQL server of this data directory. A number alone proves nothing: after a restart of a container
 * another process often has it, and a zombie still answers to signal 0.
 */
export async function isPostmasterAlive(pid: number, clusterDir: string): Promise<boolean> {
  if (!isProcess(pid)) {
    return false;
  }
  const command = await readCommandLine(pid);
  return command === undefined || (command.includes("postgres") && command.includes(clusterDir));
}

/** Whether any process, a zombie included, has this number. */
export function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The process's command line; empty for a zombie, `undefined` where this system does not tell. */
async function readCommandLine(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    return readFile(`/proc/${pid}/cmdline`, "utf8").then(
      (text) => text.replaceAll("\0", " "),
      (error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? "" : undefined),
    );
  }
  if (process.platform === "win32") {
    return undefined;
  }
  return run("ps", ["-o", "command=", "-p", String(pid)]).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
}
