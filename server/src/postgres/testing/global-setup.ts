// Starts one throw-away PostgreSQL server for a whole vitest run and hands its URL to the workers.
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../embedded/embedded-postgres.ts";

const PREFIX = "holdfast-test-";

/** Vitest calls this before the first test file, and what it returns after the last. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.HOLDFAST_TEST_DATABASE_URL !== undefined) {
    return undefined; // An external server was asked for.
  }
  await removeLeftovers();
  const dataDir = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  await chmod(dataDir, 0o755); // The server's account, which is not root, must pass through it.
  const server = await startEmbeddedPostgres({ dataDir, isDurable: false, log: () => {} });
  process.env.HOLDFAST_TEST_DATABASE_URL = server.url;
  return async () => {
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
    if (server.relocatedTo !== undefined) {
      await rm(server.relocatedTo, { recursive: true, force: true });
    }
  };
}

/** A run that was killed leaves its server behind: stop and remove it. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(name.slice(PREFIX.length).split("-")[0]);
    if (!name.startsWith(PREFIX) || !(pid > 0) || isAlive(pid)) {
      continue;
    }
    const dataDir = join(tmpdir(), name);
    const server = await startEmbeddedPostgres({ dataDir, isDurable: false, log: () => {} }).catch(() => undefined);
    await server?.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
