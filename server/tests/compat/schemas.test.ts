// The JSON schemas of graphs, however they are described: zod 3 and 4, createAgent, and TypeScript types alone.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepable, schemaKey, stillHolds } from "../../src/graphs/static-schemas/schema-cache.ts";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { startTestServer, TEST_PROJECT_FILE, type TestServer } from "../harness/test-server.ts";

/** Reading types takes seconds of a core, and waits its turn. */
const TYPES_WAIT = { timeout: 150_000, interval: 200 };
const TEST_MAX_MS = 160_000;

const read = ({ url }: TestServer, graphId: string) => SDK_LINES[0]!.connect(url).assistants.getSchemas(graphId);
const propertiesOf = (schema: unknown) => (schema as { properties?: Record<string, unknown> } | null)?.properties;

describe("known at run time", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ graphs: ["described", "described_3", "created", "typed"] });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("zod 4, with descriptions", async () => {
    const { state_schema, input_schema, output_schema } = await read(server, "described");
    expect(propertiesOf(state_schema)).toMatchObject({
      city: { type: "string", description: "Where" },
      days: { type: "integer" },
    });
    expect(propertiesOf(input_schema)).toMatchObject({ city: { type: "string" } });
    expect(propertiesOf(output_schema)).toMatchObject({ days: { type: "integer" } });
  });

  test("zod 3", async () => {
    const { state_schema, input_schema } = await read(server, "described_3");
    expect(propertiesOf(state_schema)).toMatchObject({ city: { type: "string" }, days: { type: "number" } });
    expect(propertiesOf(input_schema)).toMatchObject({ city: { type: "string" } });
  });

  test("createAgent", async () => {
    const { state_schema, input_schema } = await read(server, "created");
    expect(propertiesOf(state_schema)).toHaveProperty("messages");
    expect(propertiesOf(input_schema)).toHaveProperty("messages");
  });

  test("of types alone, the names of the channels", async () => {
    const { state_schema } = await read(server, "typed");
    expect(propertiesOf(state_schema)).toEqual({
      messages: { type: "array", items: { type: "object" }, langgraph_type: "messages" },
      ticket: {},
      scores: { type: "object" },
      note: {},
    });
  });
});

const TICKET = {
  type: "object",
  properties: {
    id: { type: "number" },
    title: { type: "string" },
    priority: { enum: ["high", "low"], type: "string" },
    tags: { type: "array", items: { type: "string" } },
    opened: { type: "string" },
  },
  required: ["id", "opened", "priority", "title"],
};

describe("read off TypeScript types", () => {
  let database: TestDatabase;
  let server: TestServer;
  const open = (timeoutMs: number) =>
    startTestServer({
      graphs: ["typed", "typed_factory"],
      env: { HOLDFAST_SCHEMA_TIMEOUT_MS: String(timeoutMs) },
      database,
    });
  beforeAll(async () => {
    database = await openTestDatabase();
    server = await open(150_000);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await database.close();
  });
  const untilTyped = async (graphId: string, channel: string, from = server) => {
    const describeChannel = async () => propertiesOf((await read(from, graphId)).state_schema)?.[channel];
    await expect.poll(describeChannel, TYPES_WAIT).not.toEqual({});
    return read(from, graphId);
  };

  test(
    "state, input, output and configuration of an Annotation graph; other requests go on meanwhile",
    async () => {
      const delaysMs: number[] = [];
      let isDone = false;
      const probing = (async () => {
        while (!isDone) {
          const askedAtMs = performance.now();
          expect((await fetch(`${server.url}/ok`)).status).toBe(200);
          delaysMs.push(performance.now() - askedAtMs);
          await sleep(20);
        }
      })();
      const schemas = await untilTyped("typed", "ticket");
      isDone = true;
      await probing;
      expect(propertiesOf(schemas.state_schema)).toMatchObject({
        ticket: TICKET,
        scores: { type: "object" },
        note: { type: ["null", "string"] },
        messages: { type: "array", langgraph_type: "messages" },
      });
      expect(propertiesOf(schemas.input_schema)).toEqual({ ticket: TICKET });
      expect(propertiesOf(schemas.output_schema)).toEqual({ note: { type: ["null", "string"] } });
      const config = { language: { enum: ["de", "en"], type: "string" }, depth: { type: "number" } };
      expect(propertiesOf(schemas.config_schema)).toEqual(config);
      expect(propertiesOf(schemas.context_schema)).toEqual(config);
      // Compiling takes seconds; it must not be this process that is busy with it.
      delaysMs.sort((a, b) => a - b);
      expect(delaysMs[Math.floor(delaysMs.length / 2)]).toBeLessThan(500);
    },
    TEST_MAX_MS,
  );

  test(
    "a factory of a builder",
    async () => {
      const { state_schema } = await untilTyped("typed_factory", "count");
      expect(propertiesOf(state_schema)).toMatchObject({
        count: { type: "number" },
        messages: { langgraph_type: "messages" },
      });
    },
    TEST_MAX_MS,
  );

  test(
    "are kept: another server has them without compiling anything, which a millisecond would not be enough for",
    async () => {
      await untilTyped("typed_factory", "count");
      await using second = await open(1);
      const { state_schema } = await untilTyped("typed", "ticket", second);
      expect(propertiesOf(state_schema)).toMatchObject({ ticket: TICKET });
    },
    TEST_MAX_MS,
  );

  test(
    "a compilation that takes too long is given up, and the names of channels are served",
    async () => {
      await database.pool.query("delete from graph_schema");
      await using hasty = await open(1);
      await sleep(1_000);
      const { state_schema } = await read(hasty, "typed");
      expect(propertiesOf(state_schema)).toMatchObject({ ticket: {}, note: {} });
      expect((await database.pool.query("select 1 from graph_schema")).rows).toEqual([]);
    },
    TEST_MAX_MS,
  );
});

test("follow the content of the files: a changed type of an imported file is read again", async () => {
  const graphs = join(TEST_PROJECT_FILE, "..");
  const dir = await mkdtemp(join(graphs, ".holdfast-"));
  try {
    const [graph, imported] = [join(dir, "graph.ts"), join(dir, "imported.ts")];
    await cp(join(graphs, "typed.ts"), graph);
    await writeFile(imported, "export type Name = string;");
    const kept = await keepable({ schemas: {}, files: [graph, imported] }, dir);
    expect(await stillHolds(kept, dir)).toBe(true);
    const key = await schemaKey(graph, "graph");
    expect(await schemaKey(graph, "other")).not.toBe(key);
    await writeFile(imported, "export type Name = number;");
    expect(await stillHolds(kept, dir)).toBe(false);
    await writeFile(graph, `${await readFile(graph, "utf8")}\n// changed`);
    expect(await schemaKey(graph, "graph")).not.toBe(key);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
