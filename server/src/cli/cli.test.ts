// The command line from outside: help, wrong flags and values, and the commands that do their work and end.
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeSchema } from "../postgres/describe-schema.ts";
import { openTestDatabase } from "../postgres/testing/test-database.ts";
import { FLAG_NAMES } from "./env-flags.ts";
import { runCli } from "./testing/cli-process.ts";

async function makeDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-cli-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function openDatabase(): Promise<string> {
  const database = await openTestDatabase();
  onTestFinished(() => database.close());
  return database.url;
}

/** A port that something else listens on until the test ends. */
function takePort(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
}

describe("help", () => {
  test("names every command", async () => {
    const { code, output } = await runCli(["--help"]);
    expect(code).toBe(0);
    for (const command of ["dev", "start", "api", "worker", "migrate", "runs", "keys", "doctor", "init", "openapi"]) {
      expect(output).toMatch(new RegExp(`^ {2}${command}\\b`, "m"));
    }
  });

  test("of a command names its flags with variable and default", async () => {
    const { output } = await runCli(["start", "--help"]);
    const words = output.replaceAll(/\s+/g, " ");
    for (const [name, flag] of Object.entries(FLAG_NAMES)) {
      expect(words).toContain(flag);
      expect(words).toContain(`Same as ${name}.`);
    }
    expect(words).toContain("default: 8123");
    expect(words).not.toContain("--quiet");
  });
});

describe("mistakes", () => {
  test.each([
    [
      ["start", "--prot", "1"],
      ["unknown option '--prot'", "Did you mean --port?", "--workers <count>"],
    ],
    [["strat"], ["unknown command 'strat'", "Did you mean start?"]],
    [["start", "--port", "eighty"], ['--port (PORT) is "eighty", but must be a whole number from 0 to 65535.']],
    [["worker", "--log-level", "loud"], ['--log-level (LOG_LEVEL) is "loud", but must be one of trace, debug']],
    [["api", "--config", "nowhere.json"], ["nowhere.json (HOLDFAST_CONFIG or --config) does not exist."]],
    [["migrate", "--database-url", "mysql://root:hunter2@db"], ["--database-url (DATABASE_URL) is (hidden)"]],
    [["start", "--workers"], ["option '-w, --workers <count>' argument missing"]],
    [["init"], ["missing required argument 'dir'"]],
  ])("holdfast %j", async (args, messages) => {
    const { code, output } = await runCli(args, { cwd: await makeDir() });
    expect(code).toBe(1);
    for (const message of messages) {
      expect(output).toContain(message);
    }
    expect(output).not.toMatch(/hunter2|^\s+at /m);
  });

  test("a taken port is named with two ways out", async () => {
    const port = await takePort();
    const { code, output } = await runCli(["api", "--port", String(port)], {
      env: { DATABASE_URL: await openDatabase() },
    });
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is already in use on 127.0.0.1.`);
    expect(output).toContain(`set PORT=${port + 1} or use --port ${port + 1}`);
  });
});

describe("migrate", () => {
  test("applies what is missing, then nothing, and prints the schema", async () => {
    const database = await openTestDatabase({ migrate: false });
    onTestFinished(() => database.close());
    const env = { DATABASE_URL: database.url };
    const first = await runCli(["migrate"], { env });
    expect(first).toMatchObject({ code: 0, output: expect.stringMatching(/applied 0001_/) });
    const second = await runCli(["migrate"], { env });
    expect(second).toMatchObject({ code: 0, output: expect.stringContaining("was up to date") });
    const third = await runCli(["migrate", "--print-schema"], { env });
    expect(third.output).toBe(await describeSchema(database.pool));
  });

  test("an unreachable database is named without its password", async () => {
    const { code, output } = await runCli(["migrate"], {
      env: { DATABASE_URL: "postgres://me:hunter2@127.0.0.1:1/x" },
    });
    expect(code).toBe(1);
    expect(output).toContain("PostgreSQL at 127.0.0.1:1, database x cannot be reached");
    expect(output).not.toContain("hunter2");
  });
});

describe("doctor", () => {
  test("finds a sound set-up ready", async () => {
    const { code, output } = await runCli(["doctor", "--port", "0"], { env: { DATABASE_URL: await openDatabase() } });
    expect(output).toContain("Ready to start: 0 failed");
    expect(code).toBe(0);
    for (const topic of [
      "Node.js",
      "Settings",
      "Project file",
      "Data folder",
      "Database",
      "Port",
      "Workers",
      "Model",
    ]) {
      expect(output).toMatch(new RegExp(`^ok +${topic.replace(".", "\\.")} `, "m"));
    }
  });

  test("says what is wrong and what to do, line by line", async () => {
    const cwd = await makeDir();
    await writeFile(join(cwd, "langgraph.json"), JSON.stringify({ graphs: { agent: "./missing.ts:graph" } }));
    const env = {
      DATABASE_URL: "postgres://127.0.0.1:1/x",
      MODEL: "openai:some-model",
      OPENAI_API_KEY: undefined,
      OPENAI_BASE_URL: undefined,
    };
    const port = await takePort();
    const { code, output } = await runCli(["doctor", "--port", String(port)], { cwd, env });
    expect(code).toBe(1);
    expect(output).toMatch(
      new RegExp(`^fail +Port +${port} on 127.0.0.1 .*EADDRINUSE.*\\n +Stop .* PORT=${port + 1}`, "m"),
    );
    expect(output).toMatch(/^fail +Project file +graph agent: .*missing\.ts does not exist$/m);
    expect(output).toMatch(/^fail +Database +.*ECONNREFUSED/m);
    expect(output).toMatch(/^fail +Model +openai:some-model needs a key\n +Set OPENAI_API_KEY/m);
    expect(output).toContain("Not ready: 4 failed");
  });

  test("wrong settings are the only other line", async () => {
    const { code, output } = await runCli(["doctor"], { env: { PORT: "eighty" } });
    expect(code).toBe(1);
    expect(output).toMatch(/^fail +Settings +PORT is "eighty"/m);
  });
});

test("openapi --check finds the committed document in step", async () => {
  expect(await runCli(["openapi", "--check"])).toEqual({
    code: 0,
    output: "openapi.json is in step with the routes.\n",
  });
});

describe("init", () => {
  test("makes a project whose graph answers", async () => {
    // Inside this package, so that the graph finds LangGraph as it would after npm install.
    const parent = new URL("../../.holdfast/", import.meta.url);
    await mkdir(parent, { recursive: true });
    const dir = await mkdtemp(join(parent.pathname, "init-"));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const { code, output } = await runCli(["init", dir]);
    expect(code).toBe(0);
    expect(output).toContain("npm run dev");
    expect((await readdir(dir)).sort()).toEqual([
      ".env.example",
      ".gitignore",
      "README.md",
      "langgraph.json",
      "package.json",
      "src",
      "tsconfig.json",
    ]);
    const { graph } = await import(join(dir, "src", "agent.ts"));
    const { messages } = await graph.compile().invoke({ messages: [{ role: "user", content: "hello out there" }] });
    expect(messages.at(-1).text).toBe("You wrote 3 words: hello, out, there.");
  });

  test("refuses a folder that is not empty, and leaves it alone", async () => {
    const dir = await makeDir();
    await writeFile(join(dir, "mine.txt"), "mine");
    const { code, output } = await runCli(["init", dir]);
    expect(code).toBe(1);
    expect(output).toContain(`${dir} is not empty (mine.txt). Name a new folder.`);
    expect(await readdir(dir)).toEqual(["mine.txt"]);
  });
});
