// How long lists, searches and counts take over HTTP with a full database: seeds it with SQL, asks a real server, flags what is slow.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { writeChart } from "../charts/write-chart.ts";
import { type Conditions, describeConditions, summariseConditions } from "../harness/conditions.ts";
import { openDatabaseServer } from "../harness/database.ts";
import { round, runClients } from "../harness/measure.ts";
import { readTreeCpuMs } from "../harness/process-usage.ts";
import { printTable, writeResult } from "../harness/result.ts";
import { BENCH_PROJECT_FILE, findFreePort, startProcess } from "../harness/server-process.ts";
import { explainShapes } from "../search/plans.ts";
import { LARGE_TENANT, type SeedCounts, SMALL_TENANT, seedApiKey, seedDatabase } from "../search/seed.ts";
import { listShapes, type Shape } from "../search/shapes.ts";
import type { ProgramOptions } from "./program-options.ts";
import { databaseCpuMs } from "./storage-cost.ts";

/** What issue and design ask of every list, search and count. */
const TARGET_P95_MS = 20;
const WARM_UP_CALLS = 5;
const PLANS_FILE = fileURLToPath(new URL("../../../docs/search-plans.md", import.meta.url));

interface Timing {
  shape: Shape;
  p50Ms: number;
  p95Ms: number;
  /** Processor time of server and database for one call: about what an idle machine would take. */
  processorMs: number;
  /** `X-Pagination-Total`, or the number that a count answered. */
  total: number | undefined;
}

/** Sends one request; the total it was answered with. @throws when the answer is not 200 */
type Ask = (url: string, shape: Shape) => Promise<number | undefined>;

/**
 * `--threads 100000 --runs 1000000 --items 100000 --crons 5000 --assistants 3000 --calls 60 --only TEXT --explain yes`
 * (`explain` writes the plans to docs/search-plans.md)
 */
export async function search(options: ProgramOptions): Promise<void> {
  const threads = options.number("threads", 100_000);
  const counts: SeedCounts = {
    threads,
    runs: options.number("runs", threads * 10),
    items: options.number("items", 100_000),
    crons: options.number("crons", 5_000),
    assistants: options.number("assistants", 3_000),
  };
  const calls = options.number("calls", 60);
  const only = options.text("only", "");
  const shapes = listShapes(threads).filter(({ group, name }) => `${group} ${name}`.includes(only));
  await using database = await openDatabaseServer();
  const conditions = await describeConditions(database);
  const databaseUrl = await database.createDatabase();
  const env = { DATABASE_URL: databaseUrl, HOLDFAST_API_KEYS: "1" };
  // Without a worker: runs that are seeded as pending and running stay so.
  const server = await startProcess({ command: "api", env });
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  try {
    const seededAtMs = performance.now();
    await seedDatabase(databaseUrl, counts);
    const seedSeconds = round((performance.now() - seededAtMs) / 1000);
    console.log(`seeded in ${seedSeconds} s`);
    const ask = await makeAsk(databaseUrl);
    const timings: Timing[] = [];
    const readCpuMs = async () => (await readTreeCpuMs(server.child.pid!)) + (await databaseCpuMs(pool));
    for (const shape of shapes) timings.push(await measure(shape, calls, (each) => ask(server.url, each), readCpuMs));
    await keep({ ...conditions, plan: { ...counts, calls, seedSeconds } }, timings, only === "");
    if (options.text("explain", "") !== "") await explain(databaseUrl, env, shapes, ask, conditions);
  } finally {
    await pool.end();
    await server.kill("SIGTERM");
  }
}

/** An administrator's key, and one of each tenant that asks. */
async function makeAsk(databaseUrl: string): Promise<Ask> {
  const keys = new Map<string | undefined, string>([[undefined, await seedApiKey(databaseUrl, "root", ["admin"])]]);
  for (const owner of [LARGE_TENANT, SMALL_TENANT]) keys.set(owner, await seedApiKey(databaseUrl, owner, ["*"]));
  return async (url, { method, path, body, owner, name }) => {
    const response = await fetch(url + path, {
      method,
      headers: { "content-type": "application/json", "x-api-key": keys.get(owner)! },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${name}: ${response.status} ${text.slice(0, 300)}`);
    const header = response.headers.get("x-pagination-total");
    if (header !== null) return Number(header);
    return /^\d+$/.test(text) ? Number(text) : undefined;
  };
}

async function measure(
  shape: Shape,
  calls: number,
  ask: (shape: Shape) => Promise<number | undefined>,
  readCpuMs: () => Promise<number>,
): Promise<Timing> {
  await runClients(1, WARM_UP_CALLS, async () => void (await ask(shape)));
  let total: number | undefined;
  const cpuBeforeMs = await readCpuMs();
  const { latencies } = await runClients(1, calls, async () => {
    total = await ask(shape);
  });
  const processorMs = round(((await readCpuMs()) - cpuBeforeMs) / calls);
  const timing = { shape, p50Ms: latencies.p50Ms, p95Ms: latencies.p95Ms, processorMs, total };
  console.log(`  ${shape.group}, ${shape.name}: ${timing.p50Ms} / ${timing.p95Ms}, processor ${processorMs}`);
  return timing;
}

async function keep(conditions: Conditions & { plan: object }, timings: Timing[], isComplete: boolean): Promise<void> {
  const table = timings.map(({ shape, p50Ms, p95Ms, processorMs, total }) => ({
    group: shape.group,
    shape: shape.name,
    matches: total ?? "",
    "p50 ms": p50Ms,
    "p95 ms": p95Ms,
    "processor ms": processorMs,
    [`above ${TARGET_P95_MS} ms`]: p95Ms > TARGET_P95_MS ? "SLOW" : "",
  }));
  printTable("lists, searches and counts over HTTP, one client", table);
  const slowCount = timings.filter(({ p95Ms }) => p95Ms > TARGET_P95_MS).length;
  console.log(`${slowCount} of ${timings.length} shapes above ${TARGET_P95_MS} ms at p95`);
  // A part of the shapes must not replace the result of all.
  if (!isComplete) return;
  await writeResult("search", { ...conditions, targetP95Ms: TARGET_P95_MS, slowCount, table });
  const groups = [...new Set(timings.map(({ shape }) => shape.group))];
  const of = (group: string, key: "p50Ms" | "p95Ms") => {
    const values = timings.filter(({ shape }) => shape.group === group).map((timing) => timing[key]);
    return key === "p50Ms" ? [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] : Math.max(...values);
  };
  await writeChart("search", {
    title: "Lists, searches and counts in a full database (less is better)",
    subtitle: summariseConditions(conditions),
    panels: groups.map((group) => ({
      kind: "bars" as const,
      title: group,
      yLabel: "ms",
      groups: [""],
      target: { y: TARGET_P95_MS, label: `${TARGET_P95_MS} ms` },
      series: [
        { name: "median of the shapes' medians", values: [of(group, "p50Ms")] },
        { name: "the slowest shape's p95", values: [of(group, "p95Ms")] },
      ],
    })),
  });
}

async function explain(
  databaseUrl: string,
  env: Record<string, string>,
  shapes: Shape[],
  ask: Ask,
  conditions: Conditions,
): Promise<void> {
  const settings = {
    ...env,
    PORT: String(await findFreePort()),
    HOLDFAST_CONFIG: BENCH_PROJECT_FILE,
    LOG_LEVEL: "fatal",
  };
  const found = await explainShapes(databaseUrl, shapes, settings, async (url, shape) => void (await ask(url, shape)));
  const sections = found.map(({ shape, plans }) => {
    const request = shape.body === undefined ? "" : ` with \`${JSON.stringify(shape.body).slice(0, 200)}\``;
    const blocks = plans.map((plan) => `\`\`\`\n${plan}\n\`\`\``).join("\n\n");
    return `## ${shape.group}: ${shape.name}\n\n\`${shape.method} ${shape.path}\`${request}\n\n${blocks}\n`;
  });
  const head = `# Plans of lists, searches and counts\n\nWritten by \`npm run bench -- search --explain yes\` (${summariseConditions(conditions)}). Every statement that
answers one request, as \`explain (analyze, buffers)\` shows it. What they are meant to look like is in [decision 2](decisions/0002-search-at-scale.md).\n`;
  await writeFile(PLANS_FILE, [head, ...sections].join("\n"));
  console.log("plans in docs/search-plans.md");
}
