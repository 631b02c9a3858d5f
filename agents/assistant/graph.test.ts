// The assistant, offline and end to end: several turns on one thread, tools, and notes that outlive a turn.
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph";
import { beforeEach, describe, expect, it } from "vitest";
import { graph } from "./graph.ts";

const withMemory = () => {
  graph.checkpointer = new MemorySaver();
  const config = { configurable: { thread_id: "t1" } };
  return (text: string) => graph.invoke({ messages: [new HumanMessage(text)] }, config);
};

const lastText = (state: { messages: BaseMessage[] }) => state.messages.at(-1)!.text;

describe("assistant", () => {
  let say: ReturnType<typeof withMemory>;
  beforeEach(() => {
    say = withMemory();
  });

  it("calculates exactly through its tool", async () => {
    const state = await say("What is 0.1 + 0.2?");
    expect(state.messages.map((message) => message.type)).toEqual(["human", "ai", "tool", "ai"]);
    expect(lastText(state)).toBe("`calculate` says: 0.1 + 0.2 = 0.3");
  });

  it("tells the time in several places at once, each with its own call", async () => {
    const state = await say("What time is it in Tokyo and New York?");
    const results = state.messages.filter((message) => ToolMessage.isInstance(message));
    expect(results.map((result) => result.text)).toEqual([
      expect.stringContaining("In Tokyo (Asia/Tokyo, GMT+09:00) it is"),
      expect.stringContaining("In New York (America/New_York"),
    ]);
  });

  it("keeps notes in the thread's state over several turns", async () => {
    await say("Note: the tent is in the attic");
    await say("Hello");
    await say("Remember that Ada arrives on Friday");
    const state = await say("Show my notes");
    expect(state.notes.map((note) => note.text)).toEqual(["the tent is in the attic", "Ada arrives on Friday"]);
    expect(lastText(state)).toContain("1. the tent is in the attic\n2. Ada arrives on Friday");
    const other = await graph.invoke(
      { messages: [new HumanMessage("Show my notes")] },
      { configurable: { thread_id: "t2" } },
    );
    expect(lastText(other)).toContain("There are no notes yet.");
  });

  it("streams its answer token by token", async () => {
    const tokens: string[] = [];
    const stream = await graph.stream(
      { messages: [new HumanMessage("Hello")] },
      { configurable: { thread_id: "t3" }, streamMode: "messages" },
    );
    for await (const [message] of stream) tokens.push(message.text);
    expect(tokens.length).toBeGreaterThan(10);
    const { values } = await graph.graph.getState({ configurable: { thread_id: "t3" } });
    const answer: BaseMessage = values.messages.at(-1);
    expect(AIMessage.isInstance(answer)).toBe(true);
    expect(tokens.join("")).toBe(answer.text);
  });
});
