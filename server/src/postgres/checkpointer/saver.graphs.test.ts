// Real graphs on this checkpointer and on LangGraph's in-memory one, side by side: states, histories and pending writes must be the same.
import type { RunnableConfig } from "@langchain/core/runnables";
import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mintId } from "../../domain/ids.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { CheckpointCache } from "./cache.ts";
import { type AnyGraph, SCENARIOS } from "./graph-scenarios.ts";
import { HoldfastSaver } from "./saver.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const DURABILITIES = ["sync", "async", "exit"] as const;

for (const durability of DURABILITIES) {
  const scenarios = SCENARIOS.filter(({ isSyncOnly }) => isSyncOnly !== true || durability === "sync");
  describe(`durability ${durability}`, () => {
    test.each(scenarios)("$name", async ({ build, run }) => {
      const expected = new MemorySaver();
      await run(build(expected), configFor("thread", durability));
      const wanted = await observe(build(expected), expected, "thread");

      const threadId = mintId();
      const cache = new CheckpointCache();
      const saver = new HoldfastSaver({ pool: database.pool, cache });
      await run(build(saver), configFor(threadId, durability));
      expect(await observe(build(saver), saver, threadId), "the saver that wrote").toEqual(wanted);
      const fresh = new HoldfastSaver({ pool: database.pool });
      expect(await observe(build(fresh), fresh, threadId), "a saver that knows nothing").toEqual(wanted);
      const warm = new HoldfastSaver({ pool: database.pool, cache });
      expect(await observe(build(warm), warm, threadId), "a saver with a warm cache").toEqual(wanted);
    });

    test.each(scenarios)("$name, fenced, with a saver per call", async ({ build, run }) => {
      const expected = new MemorySaver();
      await run(build(expected), configFor("thread", durability));
      const wanted = await observe(build(expected), expected, "thread");

      const threadId = mintId();
      await database.pool.query("insert into thread (thread_id, epoch) values ($1, 7)", [threadId]);
      const cache = new CheckpointCache();
      const saver = (): HoldfastSaver =>
        new HoldfastSaver({ pool: database.pool, cache, fence: { threadId, epoch: "7", runId: "" } });
      // One graph whose every call gets a new saver, as each run of the server does.
      let last = saver();
      const graph = build(last);
      const perCall = new Proxy(graph, {
        get(target, key) {
          last = saver();
          target.checkpointer = last;
          const member = target[key];
          return typeof member === "function" ? member.bind(target) : member;
        },
      });
      await run(perCall, configFor(threadId, durability));
      expect(await observe(graph, last, threadId), "from the run's memory").toEqual(wanted);
      const fresh = new HoldfastSaver({ pool: database.pool });
      expect(await observe(build(fresh), fresh, threadId), "from the database").toEqual(wanted);
    });
  });
}

function configFor(
  threadId: string,
  durability: (typeof DURABILITIES)[number],
): RunnableConfig & { durability: string } {
  return { configurable: { thread_id: threadId }, durability };
}

/** What can be seen of a thread, free of the ids and times that differ from run to run. */
async function observe(graph: AnyGraph, saver: BaseCheckpointSaver, threadId: string): Promise<unknown> {
  const configurable = { thread_id: threadId };
  const state = await graph.getState({ configurable }, { subgraphs: true });
  const history: { id: string; parent: string | undefined; seen: unknown }[] = [];
  for await (const past of graph.getStateHistory({ configurable })) {
    history.push({
      id: past.config.configurable.checkpoint_id,
      parent: past.parentConfig?.configurable.checkpoint_id,
      seen: summary(past),
    });
  }
  const tuples: unknown[] = [];
  for await (const tuple of saver.list({ configurable })) {
    const { channel_versions } = tuple.checkpoint;
    // A channel without a version was never written; only the in-memory saver keeps its default value.
    const channel_values = Object.fromEntries(
      Object.entries(tuple.checkpoint.channel_values).filter(([channel]) => channel in channel_versions),
    );
    const ns = String(tuple.config.configurable?.checkpoint_ns ?? "").replace(/:[^|]+/g, ":task");
    tuples.push(
      plain({ ns, channel_values, channel_versions, writes: tuple.pendingWrites?.map(([, ...write]) => write) }),
    );
  }
  const ids = history.map(({ id }) => id);
  return {
    state: summary(state),
    history: history.map(({ seen, parent }) => ({ seen, parent: parent === undefined ? -1 : ids.indexOf(parent) })),
    // Listed by namespace in one saver, by time in the other.
    tuples: tuples.map((tuple) => JSON.stringify(tuple)).sort(),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a state snapshot of any graph.
function summary(state: any): unknown {
  const metadata = { ...state.metadata };
  delete metadata.parents;
  delete metadata.thread_id;
  return {
    values: plain(state.values),
    next: state.next,
    metadata: plain(metadata),
    tasks: state.tasks.map(
      (task: {
        name: string;
        interrupts: { value: unknown }[];
        error: unknown;
        result: unknown;
        state?: { values?: unknown };
      }) => ({
        name: task.name,
        interrupts: task.interrupts.map(({ value }) => value),
        error: task.error === undefined ? undefined : true,
        result: plain(task.result),
        state: plain(task.state?.values),
      }),
    ),
  };
}

/** Values with classes spelled out, so that a lost class is seen. */
function plain(value: unknown): unknown {
  if (typeof value === "string")
    return value.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "<uuid>").replace(/^[0-9a-f]{32}$/, "<hash>");
  if (typeof value !== "object" || value === null) return value === undefined ? "<undefined>" : value;
  if (Array.isArray(value)) return value.map(plain);
  const Class = value.constructor;
  if (value instanceof Map || value instanceof Set || value instanceof Uint8Array)
    return { class: Class.name, items: [...value].map(plain) };
  if (value instanceof Error) return { class: "Error", message: value.message };
  const fields = Object.entries(value)
    .filter(([key, field]) =>
      field !== undefined || Class === Object || Class === undefined ? key !== "lc_kwargs" : false,
    )
    .map(([key, field]) => [key, plain(field)] as const);
  return { ...(Class === Object ? {} : { class: Class?.name }), ...Object.fromEntries(fields) };
}
