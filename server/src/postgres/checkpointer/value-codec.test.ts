// Values come back as they were: messages with class and all fields, binary data, and what only the serializer knows.
import {
  AIMessage,
  AIMessageChunk,
  type BaseMessage,
  ChatMessage,
  FunctionMessage,
  HumanMessage,
  HumanMessageChunk,
  RemoveMessage,
  SystemMessage,
  ToolMessage,
} from "@langchain/core/messages";
import { emptyCheckpoint, JsonPlusSerializer, uuid6 } from "@langchain/langgraph-checkpoint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mintId } from "../../domain/ids.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { HoldfastSaver } from "./saver.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const FILLER = "filler so that lists become items ".repeat(40);

/** A value stored as a channel, a pending write and inside a list, read by a saver that knows nothing. */
async function roundTrip(value: unknown, serde = new JsonPlusSerializer()): Promise<unknown[]> {
  const config = { configurable: { thread_id: mintId(), checkpoint_ns: "" } };
  const channel_values = { alone: value, listed: [value], among: [new HumanMessage(FILLER), value] };
  const versions = { alone: 1, listed: 1, among: 1 };
  const checkpoint = { ...emptyCheckpoint(), id: uuid6(0), channel_values, channel_versions: versions };
  const saver = new HoldfastSaver({ pool: database.pool, serde });
  const saved = await saver.put(config, checkpoint, { source: "loop", step: 0, parents: {} }, versions);
  await saver.putWrites(
    saved,
    [
      ["w", value],
      ["list", [value]],
    ],
    "task",
  );
  const tuple = await new HoldfastSaver({ pool: database.pool, serde }).getTuple(config);
  const values = tuple?.checkpoint.channel_values as { alone: unknown; listed: unknown[]; among: unknown[] };
  const [first, second] = tuple?.pendingWrites ?? [];
  return [values.alone, values.listed[0], values.among[1], first?.[2], (second?.[2] as unknown[] | undefined)?.[0]];
}

const MESSAGES: [string, BaseMessage][] = [
  ["human", new HumanMessage({ id: "1", name: "ann", content: "hi", additional_kwargs: { a: [1, { b: null }] } })],
  [
    "human with content blocks",
    new HumanMessage({
      content: [
        { type: "text", text: "x" },
        { type: "image_url", image_url: { url: "data:," } },
      ],
    }),
  ],
  ["system", new SystemMessage({ id: "s", content: "be good" })],
  [
    "ai with tool calls",
    new AIMessage({
      id: "a",
      content: "",
      tool_calls: [{ id: "c", name: "look", args: { deep: { at: [1] } }, type: "tool_call" }],
      invalid_tool_calls: [{ id: "d", name: "look", args: "{", error: "bad", type: "invalid_tool_call" }],
      usage_metadata: { input_tokens: 1, output_tokens: 2, total_tokens: 3, input_token_details: { cache_read: 1 } },
      response_metadata: { model_name: "m", logprobs: null },
      additional_kwargs: { reasoning_content: "because", gone: undefined },
    }),
  ],
  [
    "ai with standard content",
    new AIMessage({
      contentBlocks: [
        { type: "text", text: "x" },
        { type: "reasoning", reasoning: "y" },
      ],
    }),
  ],
  [
    "ai chunk",
    new AIMessageChunk({
      id: "k",
      content: "par",
      tool_call_chunks: [{ name: "look", args: '{"a":1}', id: "c", index: 0, type: "tool_call_chunk" }],
    }),
  ],
  ["human chunk", new HumanMessageChunk({ content: "h" })],
  [
    "tool",
    new ToolMessage({
      tool_call_id: "c",
      content: "found",
      artifact: { rows: [1, { n: 2 }] },
      status: "error",
      name: "look",
      metadata: { m: 1 },
    }),
  ],
  ["function", new FunctionMessage({ name: "f", content: "1" })],
  ["chat", new ChatMessage({ content: "x", role: "critic" })],
  ["remove", new RemoveMessage({ id: "gone" })],
];

describe("messages", () => {
  test.each(MESSAGES)("%s", async (_name, message) => {
    const serde = new JsonPlusSerializer();
    const [type, bytes] = await serde.dumpsTyped(message);
    const expected = (await serde.loadsTyped(type, bytes)) as BaseMessage;
    for (const read of await roundTrip(message)) {
      const got = read as BaseMessage;
      expect(got.constructor).toBe(message.constructor);
      // As LangGraph's own serializer does it, and like the original.
      expect(fieldsOf(got)).toEqual(fieldsOf(expected));
      expect(fieldsOf(got)).toEqual(fieldsOf(message));
      expect(asJson(got.toDict())).toMatchObject(asJson(expected.toDict()));
    }
  });

  test("of another copy of the library", async () => {
    class ForeignHuman {
      readonly lc_kwargs = { content: "from afar", id: "f" };
      readonly content = "from afar";
      readonly id = "f";
      readonly additional_kwargs = {};
      readonly response_metadata = {};
      _getType(): string {
        return "human";
      }
    }
    for (const read of await roundTrip(new ForeignHuman())) {
      expect(read).toBeInstanceOf(HumanMessage);
      expect(read).toMatchObject({ content: "from afar", id: "f" });
    }
  });

  test("with binary content and messages inside", async () => {
    const artifact = { bytes: new Uint8Array([1, 2, 255]), inner: new AIMessage({ id: "in", content: "inside" }) };
    for (const read of await roundTrip(new ToolMessage({ tool_call_id: "c", content: "x", artifact }))) {
      const got = (read as ToolMessage).artifact as typeof artifact;
      expect(got.bytes).toEqual(artifact.bytes);
      expect(got.inner).toBeInstanceOf(AIMessage);
      expect(got.inner.content).toBe("inside");
    }
  });
});

function fieldsOf(message: BaseMessage): Record<string, unknown> {
  const { lc_kwargs: _, ...fields } = message as unknown as Record<string, unknown>;
  return asJson(fields);
}

function asJson(value: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}

const VALUES: [string, unknown][] = [
  ["null", null],
  ["undefined", undefined],
  ["a number", 1.5],
  ["text with a null character and half a surrogate pair", "a\u0000b\ud800c"],
  ["bytes", new Uint8Array([0, 128, 255])],
  ["many bytes", new Uint8Array(5_000).map((_, index) => index)],
  ["a map of sets", new Map([["k", new Set([1, 2])]])],
  ["an object with undefined", { a: undefined, b: [undefined, 1] }],
  ["an empty list", []],
  ["a long text", FILLER],
  ["keys that look like ours", { $list: 0, $message: "ai", $bytes: "" }],
  ["a key of LangChain's", { lc: 9, type: "x" }],
  ["a regular expression", /a+/gi],
  ["a large object", { text: FILLER, list: [{ a: [] }] }],
];

describe("other values", () => {
  test.each(VALUES)("%s", async (_name, value) => {
    for (const read of await roundTrip(value)) {
      expect(read).toEqual(value);
      expect(Object.getPrototypeOf(read ?? {})).toBe(Object.getPrototypeOf(value ?? {}));
    }
  });

  test("a date becomes text, as with LangGraph's serializer", async () => {
    for (const read of await roundTrip({ at: new Date(5) })) expect(read).toEqual({ at: "1970-01-01T00:00:00.005Z" });
  });

  test("what only a custom serializer knows", async () => {
    class Money {
      readonly cents: number;
      constructor(cents: number) {
        this.cents = cents;
      }
    }
    class MoneySerializer extends JsonPlusSerializer {
      override async dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
        if (value instanceof Money) return ["money", new Uint8Array([value.cents])];
        return super.dumpsTyped(value);
      }
      override async loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
        return type === "money" ? new Money((data as Uint8Array)[0] as number) : super.loadsTyped(type, data);
      }
    }
    const [alone, , , written] = await roundTrip(new Money(7), new MoneySerializer());
    expect(alone).toEqual(new Money(7));
    expect(written).toBeInstanceOf(Money);
  });

  test("metadata keeps what JSON can hold", async () => {
    const config = { configurable: { thread_id: mintId(), checkpoint_ns: "" } };
    const saver = new HoldfastSaver({ pool: database.pool });
    const metadata = {
      source: "loop" as const,
      step: 1,
      parents: {},
      note: 'a\\u0000 "quoted" \\ \u00e9',
      list: [{ n: 1 }],
    };
    await saver.put(config, emptyCheckpoint(), metadata, {});
    expect((await new HoldfastSaver({ pool: database.pool }).getTuple(config))?.metadata).toEqual(metadata);
    const unstorable = { ...metadata, note: "a\u0000b\ud800" };
    await saver.put(config, { ...emptyCheckpoint(), id: uuid6(0) }, unstorable, {});
    expect((await new HoldfastSaver({ pool: database.pool }).getTuple(config))?.metadata).toMatchObject({ note: "ab" });
  });
});
