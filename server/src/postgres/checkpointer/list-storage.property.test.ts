// Whatever happens to lists (appended, edited in place, removed, replaced, forked, by several savers), a saver that knows nothing reads back what was put.
import { AIMessage, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mintId } from "../../domain/ids.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { CheckpointCache } from "./cache.ts";
import { HoldfastSaver } from "./saver.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

interface Todo {
  title: string;
  done: boolean;
}
interface State {
  messages: BaseMessage[];
  todos: Todo[];
}

const LONG =
  "a text that is long enough to be kept as an item of its own, and not in the row of its checkpoint. ".repeat(4);
let serial = 0;
const makeMessage = (): BaseMessage => {
  serial++;
  return serial % 2 === 0
    ? new HumanMessage({ id: `h${serial}`, content: `${serial} ${LONG}` })
    : new AIMessage({
        id: `a${serial}`,
        content: [{ type: "text", text: `${serial} ${LONG}` }],
        response_metadata: { n: serial },
      });
};
const makeTodo = (): Todo => ({ title: `${++serial} ${serial % 3 === 0 ? "again" : LONG}`, done: false });

/** One change of the state; `at` chooses the place. Lists are new arrays, as reducers make them. */
type Change = (state: State, at: number) => State;
const CHANGES: Record<string, Change> = {
  append: ({ messages, todos }, at) => ({
    messages: [...messages, ...Array.from({ length: 1 + (at % 3) }, makeMessage)],
    todos: [...todos, ...Array.from({ length: at % 3 }, makeTodo)],
  }),
  editInPlace: (state, at) => {
    const message = state.messages.at(-1 - (at % Math.max(1, Math.min(16, state.messages.length))));
    if (message instanceof AIMessage) (message.content[0] as { text: string }).text = `edited ${serial++}`;
    else if (message !== undefined) message.content = `edited ${serial++}`;
    const todo = state.todos[at % Math.max(1, state.todos.length)];
    if (todo !== undefined) todo.done = !todo.done;
    return { messages: [...state.messages], todos: [...state.todos] };
  },
  remove: ({ messages, todos }, at) => ({
    messages: messages.filter((_, index) => index !== at % Math.max(1, messages.length)),
    todos: todos.filter((_, index) => index !== at % Math.max(1, todos.length)),
  }),
  replace: ({ messages, todos }, at) => ({
    messages: messages.map((message, index) => (index === at % messages.length ? makeMessage() : message)),
    todos: todos.map((todo, index) => (index === at % todos.length ? makeTodo() : todo)),
  }),
  insert: ({ messages, todos }, at) => ({
    messages: messages.toSpliced(at % (messages.length + 1), 0, makeMessage()),
    todos: todos.toSpliced(at % (todos.length + 1), 0, makeTodo()),
  }),
  reverse: ({ messages, todos }) => ({ messages: messages.toReversed(), todos: todos.toReversed() }),
  repeat: ({ messages, todos }) => ({
    messages: [...messages, ...messages.slice(0, 2)],
    todos: [...todos, ...todos.slice(0, 2)],
  }),
  summarise: ({ messages, todos }) => ({ messages: [makeMessage(), ...messages.slice(-2)], todos: todos.slice(-2) }),
  empty: () => ({ messages: [], todos: [] }),
};

const step = fc.record({
  change: fc.oneof(
    { weight: 5, arbitrary: fc.constant("append") },
    { weight: 6, arbitrary: fc.constantFrom(...Object.keys(CHANGES)) },
  ),
  at: fc.nat(1_000),
  /** Which checkpoint the step builds on: 0 is the one before. */
  back: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(10) }),
  /** Which saver does it: one that remembers all, one sharing its cache, one of another process. */
  by: fc.nat(2),
  /** Whether the new messages were pending writes first, as in live execution. */
  hasWrites: fc.boolean(),
});

test("what a fresh saver reads is what was put", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      const threadId = mintId();
      const cache = new CheckpointCache();
      const pool = database.pool;
      const savers = [
        new HoldfastSaver({ pool, cache }),
        new HoldfastSaver({ pool, cache }),
        new HoldfastSaver({ pool }),
      ];
      const made: { config: RunnableConfig; text: string }[] = [];
      let version = 0;
      for (const { change, at, back, by, hasWrites } of steps) {
        const saver = savers[by] as HoldfastSaver;
        const base = made.at(-1 - Math.min(back, made.length - 1));
        const parent = base === undefined ? undefined : await saver.getTuple(base.config);
        const old = (parent?.checkpoint.channel_values ?? { messages: [], todos: [] }) as unknown as State;
        const next = (CHANGES[change] as Change)(old, at);
        const config = base?.config ?? { configurable: { thread_id: threadId, checkpoint_ns: "" } };
        const writing =
          hasWrites && base !== undefined
            ? saver.putWrites(
                config,
                [["messages", next.messages.filter((message) => !old.messages.includes(message))]],
                "task",
              )
            : Promise.resolve();
        version++;
        const versions = { messages: version, todos: version };
        const checkpoint = {
          ...emptyCheckpoint(),
          id: uuid6(0),
          channel_values: { ...next },
          channel_versions: versions,
        };
        const putting = saver.put(config, checkpoint, { source: "loop", step: version, parents: {} }, versions);
        await Promise.all([writing, putting]);
        made.push({ config: await putting, text: JSON.stringify(next) });
      }
      const fresh = new HoldfastSaver({ pool });
      for (const { config, text } of made) {
        const tuple = await fresh.getTuple(config);
        expect(JSON.stringify(tuple?.checkpoint.channel_values)).toBe(text);
      }
      const listed: string[] = [];
      for await (const tuple of fresh.list({ configurable: { thread_id: threadId } }))
        listed.push(JSON.stringify(tuple.checkpoint.channel_values));
      expect(listed).toEqual(made.map(({ text }) => text).reverse());
    }),
    { numRuns: 60 },
  );
});

test("many edits of a long list keep its segments few", async () => {
  const threadId = mintId();
  const saver = new HoldfastSaver({ pool: database.pool });
  let state: State = { messages: Array.from({ length: 300 }, makeMessage), todos: [] };
  let config: RunnableConfig = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  for (let version = 1; version <= 80; version++) {
    const checkpoint = {
      ...emptyCheckpoint(),
      id: uuid6(0),
      channel_values: { messages: state.messages },
      channel_versions: { messages: version },
    };
    config = await saver.put(config, checkpoint, { source: "loop", step: version, parents: {} }, { messages: version });
    const tuple = await new HoldfastSaver({ pool: database.pool }).getTuple(config);
    expect(JSON.stringify(tuple?.checkpoint.channel_values.messages)).toBe(JSON.stringify(state.messages));
    state = (CHANGES.replace as Change)(state, (version * 37) % 300);
  }
  const { rows } = await database.pool.query<{ segments: number; items: number }>(
    `select max(cardinality(lists)) / 4 as segments,
       (select count(*)::int from checkpoint_item where thread_id = $1) as items from checkpoint where thread_id = $1`,
    [threadId],
  );
  expect(rows[0]?.segments).toBeLessThanOrEqual(32);
  // Far from 80 lists of 300.
  expect(rows[0]?.items).toBeLessThan(2_400);
});
