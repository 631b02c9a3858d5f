// Starts, stops, kills, shares and moves real embedded servers.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { isPostmasterAlive, postmasterFile, readPostmaster } from "./postmaster.ts";

const LAUNCHER = new URL("./embedded-postgres.ts", import.meta.url).href;

let dir: string;
const opened: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "holdfast-embedded-"));
  await chmod(dir, 0o755);
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
  }
  for (const server of opened.splice(0)) {
    await server.close();
  }
  await rm(dir, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: dir, isDurable: false, log: () => {}, ...options });
  opened.push(server);
  return server;
}

/** Starts (or joins) the server in another process, which prints what it got and then stays. */
function startInProcess(dataDir: string): ChildProcess {
  const program = `import { startEmbeddedPostgres } from ${JSON.stringify(LAUNCHER)};
    const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, isDurable: false, log: () => {} });
    process.on("SIGTERM", async () => { await server.close(); process.exit(0); });
    setInterval(() => {}, 1000);
    console.log(JSON.stringify({ url: server.url, adopted: server.adopted }));`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

async function readStarted(child: ChildProcess): Promise<{ url: string; adopted: boolean }> {
  const [line] = await once(child.stdout!, "data");
  return JSON.parse(String(line));
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function listDrafts(rootDir: string): Promise<string[]> {
  const names = await readdir(rootDir).catch(() => []);
  return names.filter((name) => name.startsWith("data.tmp-") && !name.endsWith(".pw"));
}

async function waitUntil(isTrue: () => Promise<boolean>, pauseMs = 50): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (await isTrue()) {
      return;
    }
    await sleep(pauseMs);
  }
  throw new Error("the awaited state never came");
}

test("keeps its data over a clean stop, which leaves no process behind", async () => {
  const first = await start();
  expect(first.adopted).toBe(false);
  await query(first.url, "create table note (text text)");
  await query(first.url, "insert into note values ('kept')");
  const record = await readPostmaster(join(first.dataDir, "data"));
  await first.close();
  await first.close();
  expect(await isPostmasterAlive(record!.pid, join(first.dataDir, "data"))).toBe(false);
  const second = await start();
  expect(second.adopted).toBe(false);
  expect(await query(second.url, "select text from note")).toEqual([{ text: "kept" }]);
});

test("adopts the server that a killed process left running", async () => {
  const child = startInProcess(dir);
  const { url, adopted } = await readStarted(child);
  expect(adopted).toBe(false);
  await query(url, "create table note as select 'acknowledged' as text");
  const record = await readPostmaster(join(dir, "postgres", "data"));
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await isPostmasterAlive(record!.pid, join(dir, "postgres", "data"))).toBe(true);
  const server = await start();
  expect(server.adopted).toBe(true);
  expect(await query(server.url, "select text from note")).toEqual([{ text: "acknowledged" }]);
  await server.close();
  expect(await isPostmasterAlive(record!.pid, join(dir, "postgres", "data"))).toBe(false);
});

test("starts over the lock file of a dead server, even when another process has its number now", async () => {
  const first = await start();
  await query(first.url, "create table note as select 'survived' as text");
  const clusterDir = join(first.dataDir, "data");
  await first.close();
  const stale = [process.pid, clusterDir, 1_700_000_000, 5432, join(first.dataDir, "run"), "", "", "ready"].join("\n");
  await writeFile(postmasterFile(clusterDir), stale);
  const lines: string[] = [];
  const second = await start({ log: (line) => lines.push(line) });
  expect(second.adopted).toBe(false);
  expect(lines.join("\n")).toContain(`removing the lock file of a dead database server (process ${process.pid})`);
  expect(await query(second.url, "select text from note")).toEqual([{ text: "survived" }]);
});

test("brings a server back that dies under its user, at the same URL", async () => {
  const lines: string[] = [];
  const server = await start({ isDurable: true, log: (line) => lines.push(line) });
  await query(server.url, "create table note as select 'still here' as text");
  const before = await readPostmaster(join(server.dataDir, "data"));
  process.kill(before!.pid, "SIGKILL");
  await waitUntil(async () => lines.includes("the embedded database is back"));
  const after = await readPostmaster(join(server.dataDir, "data"));
  expect(after!.pid).not.toBe(before!.pid);
  expect(await query(server.url, "select text from note")).toEqual([{ text: "still here" }]);
});

test("processes that start at once share one server, and the last one stops it", async () => {
  const others = [startInProcess(dir), startInProcess(dir)];
  const [mine, ...theirs] = await Promise.all([start(), ...others.map(readStarted)]);
  const all = [mine, ...theirs];
  expect(new Set(all.map(({ url }) => url)).size).toBe(1);
  expect(all.filter(({ adopted }) => !adopted)).toHaveLength(1);
  expect((await readdir(mine.dataDir)).filter((name) => name.startsWith("data.tmp"))).toEqual([]);
  await mine.close();
  expect(await query(mine.url, "select 1 as one")).toEqual([{ one: 1 }]);
  for (const child of others) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  await expect(query(mine.url, "select 1")).rejects.toThrow();
}, 60_000);

test("a kill during the first start leaves nothing unusable", async () => {
  const rootDir = join(dir, "postgres");
  for (const draftCount of [1, 2]) {
    const child = startInProcess(dir);
    await waitUntil(async () => (await listDrafts(rootDir)).length === draftCount, 5);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await readdir(rootDir)).not.toContain("data");
  }
  const server = await start();
  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
}, 60_000);

test("listens on a loopback port with a password where the path is too long for a socket", async () => {
  const deep = join(dir, "a-folder-with-a-long-name".repeat(4), "x".repeat(20));
  await mkdir(deep, { recursive: true });
  const server = await start({ dataDir: deep });
  expect(server.socketDir).toBeUndefined();
  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  const wrong = new URL(server.url);
  wrong.password = "guess";
  await expect(query(wrong.href, "select 1")).rejects.toThrow("password authentication failed");
});

test.runIf(process.getuid?.() === 0)(
  "as root in a closed folder, data goes where the server's account can reach it",
  async () => {
    const closed = join(dir, "closed");
    const open = join(dir, "open");
    await mkdir(closed, { mode: 0o700 });
    const first = await start({ dataDir: closed, relocationRoots: [open] });
    expect(first.relocatedTo).toMatch(new RegExp(`^${open}/[0-9a-f]{16}$`));
    await query(first.url, "create table note as select 'found again' as text");
    await first.close();
    const second = await start({ dataDir: closed, relocationRoots: [open] });
    expect(second.relocatedTo).toBe(first.relocatedTo);
    expect(await query(second.url, "select text from note")).toEqual([{ text: "found again" }]);
  },
);

test("says what to do when the data is of another major version, or the folder is a file", async () => {
  const first = await start();
  await first.close();
  await writeFile(join(first.dataDir, "data", "PG_VERSION"), "12\n");
  await expect(start()).rejects.toThrow(
    /written by PostgreSQL 12, but this Holdfast brings PostgreSQL 18.*HOLDFAST_DATA_DIR/s,
  );
  await writeFile(join(dir, "file"), "");
  await expect(start({ dataDir: join(dir, "file") })).rejects.toThrow(/cannot use .*already exists.*DATABASE_URL/s);
});
