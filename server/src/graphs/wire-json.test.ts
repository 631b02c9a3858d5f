// The wire form of values: flat messages, kept texts, and everything JSON itself cannot say.
import { AIMessage, AIMessageChunk, HumanMessage, RemoveMessage, ToolMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";
import { THREAD_LIST_CHANNEL_CHARS_MAX, THREAD_VALUES_WHOLE_CHARS_MAX, toThreadValues } from "./thread-values.ts";
import { toWireValue, wireJson } from "./wire-json.ts";

function roundTrip(value: unknown): unknown {
  return JSON.parse(wireJson(value));
}

describe("messages", () => {
  it("are flat wherever they are", () => {
    const message = new HumanMessage({ content: "hi", id: "1", name: "ada" });
    const flat = { type: "human", content: "hi", id: "1", name: "ada", additional_kwargs: {}, response_metadata: {} };
    expect(roundTrip(message)).toEqual(flat);
    expect(roundTrip({ a: [{ b: [{ c: [{ d: message }] }] }] })).toEqual({ a: [{ b: [{ c: [{ d: flat }] }] }] });
    expect(toWireValue({ messages: [message] })).toEqual({ messages: [flat] });
  });

  it("keep what their kind has", () => {
    const tool_calls = [{ id: "c1", name: "add", args: { a: 1 }, type: "tool_call" as const }];
    expect(roundTrip(new AIMessage({ content: "", tool_calls }))).toMatchObject({
      type: "ai",
      tool_calls,
      invalid_tool_calls: [],
    });
    expect(
      roundTrip(new ToolMessage({ content: "3", tool_call_id: "c1", status: "error", artifact: { k: 1 } })),
    ).toMatchObject({
      type: "tool",
      tool_call_id: "c1",
      status: "error",
      artifact: { k: 1 },
    });
    expect(roundTrip(new RemoveMessage({ id: "m" }))).toMatchObject({ type: "remove", id: "m" });
    expect(
      roundTrip(new AIMessageChunk({ content: "x", tool_call_chunks: [{ name: "t", args: "{", index: 0 }] })),
    ).toMatchObject({
      type: "ai",
      tool_call_chunks: [{ name: "t", args: "{", index: 0 }],
    });
  });

  it("carry an id that was given after construction", () => {
    const message = new AIMessage("hello");
    message.id = "late";
    expect(roundTrip([message])).toMatchObject([{ id: "late" }]);
  });

  it("edited in place are written anew", () => {
    const message = new AIMessage({ content: "first", id: "1" });
    expect(roundTrip([message])).toMatchObject([{ content: "first" }]);
    message.content = "second";
    expect(roundTrip([message])).toMatchObject([{ content: "second" }]);
    message.additional_kwargs.mark = true;
    expect(roundTrip([message])).toMatchObject([{ additional_kwargs: { mark: true } }]);
  });

  it("of another copy of the core package are recognised by shape", () => {
    class ForeignMessage {
      lc_kwargs = { content: "hi", additional_kwargs: {} };
      content = "hi";
      id = "f1";
      _getType() {
        return "human";
      }
      toJSON() {
        return { lc: 1 };
      }
    }
    expect(roundTrip({ messages: [new ForeignMessage()] })).toEqual({
      messages: [{ type: "human", content: "hi", id: "f1", additional_kwargs: {} }],
    });
  });
});

describe("other values", () => {
  it("are written as JSON would, on one line", () => {
    const date = new Date(0);
    const value = { a: "x\ny", b: undefined, c: [undefined, null, 1.5], d: date, e: { f: true }, g: () => 1 };
    const text = wireJson(value);
    expect(text).not.toContain("\n");
    expect(text).toBe(JSON.stringify(value));
    expect(wireJson(undefined)).toBe("null");
    expect(wireJson("x")).toBe('"x"');
  });

  it("JSON has no word for become something readable", () => {
    expect(roundTrip({ big: 10n, huge: 2n ** 80n })).toEqual({ big: 10, huge: (2n ** 80n).toString() });
    expect(roundTrip({ error: new RangeError("too far") })).toEqual({
      error: { error: "RangeError", message: "too far" },
    });
    const loop: Record<string, unknown> = { name: "loop" };
    loop.self = loop;
    expect(roundTrip(loop)).toEqual({ name: "loop", self: "[Circular]" });
  });
});

describe("thread values", () => {
  it("are kept whole while they are small", () => {
    expect(toThreadValues({ a: 1 }, "c1")).toEqual({ json: '{"a":1}', omittedChannels: [], checkpointId: "c1" });
    expect(toThreadValues(undefined, null).json).toBe("{}");
    expect(toThreadValues("bare", null).json).toBe('{"__root__":"bare"}');
  });

  it("leave out long lists when they are large, and only lists", () => {
    const long = Array.from(
      { length: 200 },
      (_, index) => new HumanMessage({ content: "x".repeat(100), id: String(index) }),
    );
    const text = "y".repeat(THREAD_VALUES_WHOLE_CHARS_MAX);
    const short = ["z".repeat(THREAD_LIST_CHANNEL_CHARS_MAX / 2)];
    const values = toThreadValues({ messages: long, text, short }, "c1");
    expect(values.omittedChannels).toEqual(["messages"]);
    expect(JSON.parse(values.json)).toEqual({ text, short });
  });
});
