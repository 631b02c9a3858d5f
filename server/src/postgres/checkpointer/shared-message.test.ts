// Messages that are handed out again: only where nobody changed anything in them, in whatever way, and never more of them than there is room for.
import { AIMessage, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { mintId } from "../../domain/ids.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { CheckpointCache } from "./cache.ts";
import { DEEP_CHECK_ITEMS } from "./item-memory.ts";
import { HoldfastSaver } from "./saver.ts";

let database: TestDatabase;
let cache: CheckpointCache;
let threadId: string;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(() => {
  cache = new CheckpointCache();
  threadId = mintId();
});

const COUNT = 40;

function makeMessages(): BaseMessage[] {
  return Array.from({ length: COUNT }, (_, n) =>
    n % 2 === 0
      ? new HumanMessage({ id: `h${n}`, content: [{ type: "text", text: `question ${n}` }] })
      : new AIMessage({
          id: `a${n}`,
          content: `answer ${n}`,
          tool_calls: [{ id: `c${n}`, name: "look", args: { at: { x: n } }, type: "tool_call" }],
          usage_metadata: { input_tokens: n, output_tokens: n, total_tokens: 2 * n },
          response_metadata: { model: "m", tokenUsage: { total: n } },
        }),
  );
}

async function store(messages: BaseMessage[], id = threadId): Promise<void> {
  const versions = { messages: 1 };
  const checkpoint = { ...emptyCheckpoint(), id: uuid6(0), channel_values: { messages }, channel_versions: versions };
  const config = { configurable: { thread_id: id, checkpoint_ns: "" } };
  const saver = new HoldfastSaver({ pool: database.pool, cache: new CheckpointCache() });
  await saver.put(config, checkpoint, { source: "loop", step: 1, parents: {} }, versions);
}

async function read(id = threadId): Promise<BaseMessage[]> {
  const saver = new HoldfastSaver({ pool: database.pool, cache });
  const tuple = await saver.getTuple({ configurable: { thread_id: id } });
  return tuple?.checkpoint.channel_values.messages as BaseMessage[];
}

const OLDER = COUNT - DEEP_CHECK_ITEMS;

test("older messages are the same objects at the next read, the last ones never", async () => {
  await store(makeMessages());
  const [first, second] = [await read(), await read()];
  expect(second).not.toBe(first);
  expect(JSON.stringify(second)).toBe(JSON.stringify(first));
  const shared = first.map((message, index) => message === second[index]);
  expect(shared).toEqual(Array.from({ length: COUNT }, (_, index) => index < OLDER));
});

// biome-ignore lint/suspicious/noExplicitAny: these do what types forbid.
const CHANGES: Record<string, (message: any) => void> = {
  "its content replaced": (message) => {
    message.content = "poison";
  },
  "a content block edited": (message) => {
    if (Array.isArray(message.content)) message.content[0].text = "poison";
    else message.content += "!";
  },
  "a content block added": (message) => {
    if (Array.isArray(message.content)) message.content.push({ type: "text", text: "poison" });
    else message.content = [{ type: "text", text: "poison" }];
  },
  "a cache mark in a content block": (message) => {
    if (Array.isArray(message.content)) message.content[0].cache_control = { type: "ephemeral" };
    else message.additional_kwargs.cache = true;
  },
  "a key in additional_kwargs": (message) => {
    message.additional_kwargs.poison = undefined;
  },
  "a tool call's argument edited deep down": (message) => {
    if (message.tool_calls) message.tool_calls[0].args.at.x = -1;
    else message.name = "poison";
  },
  "a key moved out of an object": (message) => {
    const { tool_calls: calls } = message;
    if (calls) calls[0].args = { at: {}, x: calls[0].args.at.x };
    else message.lc_kwargs.poison = 1;
  },
  "an empty object for an empty list": (message) => {
    if (message.invalid_tool_calls) message.invalid_tool_calls = {};
    else message.response_metadata = [];
  },
  "a field of its own": (message) => {
    message.isSeen = true;
  },
  "a field removed": (message) => {
    delete message.id;
  },
  "a constructor argument edited": (message) => {
    message.lc_kwargs.content = "poison";
  },
};

test.each(Object.entries(CHANGES))("a message with %s is made anew", async (_name, change) => {
  await store(makeMessages());
  const wanted = JSON.stringify(await read());
  const warm = await read();
  for (const index of [0, 1]) change(warm[index]);
  const after = await read();
  expect(after[0]).not.toBe(warm[0]);
  expect(after[1]).not.toBe(warm[1]);
  expect(after[2]).toBe(warm[2]);
  expect(JSON.stringify(after)).toBe(wanted);
  for (const message of after) expect(message).not.toHaveProperty("isSeen");
  // What replaced them is handed out again.
  expect((await read())[0]).toBe(after[0]);
});

test("a message without an id, which LangGraph gives in place, is never shared", async () => {
  const messages = makeMessages();
  messages[0] = new HumanMessage("a question without an id");
  await store(messages);
  const [first, second] = [await read(), await read()];
  expect(second[0]).not.toBe(first[0]);
  expect(second[1]).toBe(first[1]);
});

test("objects have room of their own; threads that lose them, the least recently used first, keep their items", async () => {
  // Enough for one thread's.
  const room = 60_000;
  cache = new CheckpointCache({ sharedBytesMax: room });
  const ids = Array.from({ length: 5 }, () => mintId());
  const made: (BaseMessage | undefined)[] = [];
  for (const id of ids) {
    await store(makeMessages(), id);
    made.push((await read(id))[0]);
    // Counts what the read before has made.
    await read(id);
    expect(cache.size.sharedBytes).toBeGreaterThan(room / 2);
    expect(cache.size.sharedBytes).toBeLessThanOrEqual(room);
  }
  expect(cache.size.entries).toBe(5);
  expect((await read(ids[4]))[0]).toBe(made[4]);
  expect((await read(ids[0]))[0]).not.toBe(made[0]);
  expect(await read(ids[0])).toHaveLength(COUNT);
  expect(cache.size.bytes).toBeGreaterThan(5 * COUNT * 100);
});
