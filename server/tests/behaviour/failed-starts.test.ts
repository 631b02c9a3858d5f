// A start that cannot succeed ends the process with a message that names the file or setting and the reason.
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";
import { findFreePort, spawnHoldfast } from "../harness/server-process.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const END_MAX_MS = 30_000;

let database: TestDatabase;
let dir: string;
beforeAll(async () => {
  database = await openTestDatabase();
  // Inside of this package, so that the graphs find LangGraph.
  dir = await mkdtemp(join(HERE, "project-"));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
  await database.close();
});

/** Starts with the variables and returns how it ended and what it said. */
async function startAndFail(
  env: Record<string, string>,
  port?: number,
): Promise<{ code: number | null; said: string }> {
  await using process = await spawnHoldfast(["dev", "--no-reload"], {
    port,
    env: { DATABASE_URL: database.url, ...env },
  });
  const timer = setTimeout(() => process.child.kill("SIGKILL"), END_MAX_MS);
  const { code } = await process.ended();
  clearTimeout(timer);
  return { code, said: process.output() };
}

let projectCount = 0;

async function makeProject(graph: string, source?: string): Promise<string> {
  const name = `p${++projectCount}`;
  if (source !== undefined) await writeFile(join(dir, `${name}.ts`), source);
  const file = join(dir, `${name}.json`);
  await writeFile(file, JSON.stringify({ graphs: { agent: graph.replace("NAME", name) } }));
  return file;
}

const BAD_GRAPHS: [what: string, source: string | undefined, reason: RegExp][] = [
  ["does not compile", "export const graph = (((;", /p\d+\.ts does not compile: .*(Unexpected|Expected)/s],
  ["throws", 'throw new Error("no licence today");', /p\d+\.ts failed while being imported: .*no licence today/s],
  ["exports nothing", "export {};", /p\d+\.ts has no export named "graph"/],
  ["exports something else", "export const graph = 42;", /p\d+\.ts:graph is a number, not a graph/],
  ["is not there", undefined, /p\d+\.ts does not exist/],
  ["needs what is not installed", 'import "no-such-package"; export const graph = 1;', /p\d+\.ts.*no-such-package/s],
];

describe.concurrent("a graph file that", () => {
  test.each(BAD_GRAPHS)(
    "%s",
    async (_what, source, reason) => {
      const { code, said } = await startAndFail({ HOLDFAST_CONFIG: await makeProject("./NAME.ts:graph", source) });
      expect([code, said]).toEqual([1, expect.stringMatching(reason)]);
      expect(said).not.toMatch(/^ {4}at /m);
    },
    60_000,
  );
});

describe.concurrent("a setting that is wrong:", () => {
  test("a project file that does not exist", async () => {
    const { code, said } = await startAndFail({ HOLDFAST_CONFIG: join(dir, "missing.json") });
    expect([code, said]).toEqual([1, expect.stringMatching(/missing\.json .*does not exist/)]);
  }, 60_000);

  test("a project file that is not JSON", async () => {
    const file = join(dir, "broken.json");
    await writeFile(file, "{ graphs: ");
    const { code, said } = await startAndFail({ HOLDFAST_CONFIG: file });
    expect([code, said]).toEqual([1, expect.stringMatching(/broken\.json is not valid JSON/)]);
  }, 60_000);

  test("a number that is none", async () => {
    const { code, said } = await startAndFail({ HOLDFAST_SLOTS: "many" });
    expect([code, said]).toEqual([1, expect.stringMatching(/HOLDFAST_SLOTS is "many", but must be/)]);
  }, 60_000);

  test("a port that is taken", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const address = blocker.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, said } = await startAndFail({}, port);
    blocker.close();
    expect([code, said]).toEqual([1, expect.stringMatching(new RegExp(`${port}.*(in use|taken)`, "s"))]);
    expect(said).toMatch(/PORT/);
  }, 60_000);

  test("a database that does not exist, at once and without giving away the password", async () => {
    const url = new URL(database.url);
    url.pathname = "/nothing_here";
    url.password = "secret-word";
    const { code, said } = await startAndFail({ DATABASE_URL: url.href });
    expect([code, said]).toEqual([1, expect.stringMatching(/PostgreSQL at .* cannot be used: .*nothing_here/)]);
    expect(said).not.toContain("secret-word");
  }, 60_000);

  test("a server that is not there is named while it is waited for", async () => {
    const url = `postgres://someone:secret-word@127.0.0.1:${await findFreePort()}/nothing`;
    await using waiting = await spawnHoldfast(["dev", "--no-reload"], { env: { DATABASE_URL: url } });
    await expect
      .poll(() => waiting.output(), { timeout: 20_000 })
      .toMatch(/PostgreSQL at 127\.0\.0\.1:\d+, database nothing cannot be used: .*ECONNREFUSED.*trying again/);
    expect(waiting.output()).not.toContain("secret-word");
    expect(waiting.child.exitCode).toBeNull();
  }, 60_000);
});
