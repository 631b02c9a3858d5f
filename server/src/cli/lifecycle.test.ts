// Starts whole servers through the command line and stops, kills and changes them.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openTestDatabase } from "../postgres/testing/test-database.ts";
import { type CliProcess, listChildren, runCli, startCli } from "./testing/cli-process.ts";

const READY = /API +(http:\/\/127\.0\.0\.1:\d+)\n/;

async function open(args: string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<CliProcess> {
  const database = await openTestDatabase();
  const cli = startCli([...args, "--port", "0", "--log-level", "warn"], {
    cwd: options.cwd,
    env: { DATABASE_URL: database.url, HOLDFAST_WORKERS: "1", HOLDFAST_DRAIN_GRACE_MS: "2000", ...options.env },
  });
  onTestFinished(async () => {
    cli.child.kill("SIGKILL");
    await cli.ended();
    await database.close();
  });
  return cli;
}

async function waitFor<T>(read: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(50)) {
    const value = await read();
    if (value !== undefined) {
      return value;
    }
  }
  throw new Error("the awaited state never came");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The process id of the only worker, once it is there and is not `other`. */
function findWorker(cli: CliProcess, other?: number): Promise<number> {
  return waitFor(async () => (await listChildren(cli.child.pid!, " worker ")).find((pid) => pid !== other));
}

async function ask(address: string, graphId: string, text: string): Promise<string> {
  const response = await fetch(`${address}/runs/wait`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ assistant_id: graphId, input: { messages: [{ role: "user", content: text }] } }),
  });
  const body = (await response.json()) as { messages?: { content: string }[] };
  return body.messages?.at(-1)?.content ?? JSON.stringify(body);
}

test("start replaces a worker that was killed, and SIGTERM ends everything with exit code 0", async () => {
  const cli = await open(["start"]);
  await cli.waitFor(READY);
  const first = await findWorker(cli);
  process.kill(first, "SIGKILL");
  await cli.waitFor(new RegExp(`worker process ${first} ended \\(SIGKILL\\); starting another in 200 ms`));
  const second = await findWorker(cli, first);
  cli.child.kill("SIGTERM");
  expect(await cli.ended()).toEqual({ code: 0, signal: null });
  expect(isAlive(second)).toBe(false);
}, 60_000);

test("start takes requests when a worker takes runs", async () => {
  const cli = await open(["start"]);
  const [, address] = await cli.waitFor(READY);
  const timeAnswer = async (): Promise<number> => {
    const askedAtMs = performance.now();
    expect(await ask(address!, "assistant", "What is 6 * 7?")).toContain("42");
    return performance.now() - askedAtMs;
  };
  const [firstMs, secondMs] = [await timeAnswer(), await timeAnswer()];
  // A worker that were still loading would take seconds longer the first time than the second.
  expect(firstMs).toBeLessThan(secondMs + 1_500);
}, 60_000);

test("workers end by themselves when the main process is killed", async () => {
  const cli = await open(["start"]);
  await cli.waitFor(READY);
  const worker = await findWorker(cli);
  cli.child.kill("SIGKILL");
  await waitFor(async () => (isAlive(worker) ? undefined : true));
}, 60_000);

test("a second signal ends start at once, workers included", async () => {
  const cli = await open(["start"]);
  await cli.waitFor(READY);
  const worker = await findWorker(cli);
  process.kill(worker, "SIGSTOP"); // It cannot drain, so that the first signal would wait for it.
  cli.child.kill("SIGINT");
  await sleep(300);
  expect(cli.child.exitCode).toBeNull();
  cli.child.kill("SIGINT");
  expect(await cli.ended()).toEqual({ code: 130, signal: null });
  await waitFor(async () => (isAlive(worker) ? undefined : true));
}, 60_000);

test("the banner names address, documentation, graphs, database, model and how to stop", async () => {
  const cli = await open(["api"]);
  const [, address] = await cli.waitFor(READY);
  await cli.waitFor(/Stop .*\n/);
  const banner = cli.output();
  expect(banner).toContain(`API docs  ${address}/docs\n`);
  expect(banner).toMatch(/Graphs {4}assistant.* \(built in\)\n/);
  expect(banner).toMatch(/Database {2}PostgreSQL at .* \(PostgreSQL \d+.*\)\n/);
  expect(banner).toMatch(/Model {5}\S+ \(.+\)\n/);
  expect(banner).toMatch(/Stop {6}Ctrl\+C/);
  expect((await fetch(`${address}/ok`)).status).toBe(200);
  cli.child.kill("SIGINT");
  expect(await cli.ended()).toEqual({ code: 0, signal: null });
}, 60_000);

test("dev serves a new project and starts anew when its graph changes", async () => {
  // Inside this package, so that the graph finds LangGraph as it would after npm install.
  const parent = new URL("../../.holdfast/", import.meta.url).pathname;
  await mkdir(parent, { recursive: true });
  const dir = await mkdtemp(join(parent, "dev-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  expect((await runCli(["init", dir])).code).toBe(0);
  const agent = join(dir, "src", "agent.ts");

  const cli = await open(["dev"], { cwd: dir, env: { PORT: "0" } });
  const [, address] = await cli.waitFor(READY);
  expect(await ask(address!, "agent", "one two")).toBe("You wrote 2 words: one, two.");

  await writeFile(agent, (await readFile(agent, "utf8")).replace("You wrote", "I read"));
  await cli.waitFor(/src\/agent\.ts changed; restarting/);
  await cli.waitFor(/restarted in \d+ ms/);
  expect(await ask(address!, "agent", "one two")).toBe("I read 2 words: one, two.");

  const working = await readFile(agent, "utf8");
  await writeFile(agent, "this is not TypeScript (");
  await cli.waitFor(/agent\.ts does not compile[\s\S]*it starts again when a file changes/);
  await writeFile(agent, working.replace("I read", "I see"));
  await cli.waitFor(/restarted in \d+ ms[\s\S]*restarted in \d+ ms/);
  expect(await ask(address!, "agent", "one two")).toBe("I see 2 words: one, two.");
  cli.child.kill("SIGINT");
  expect(await cli.ended()).toEqual({ code: 0, signal: null });
}, 60_000);
