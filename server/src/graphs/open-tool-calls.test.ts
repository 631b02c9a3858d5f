// A history whose tool calls were cut off becomes acceptable with the next input.
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { Command, END, MemorySaver, MessagesAnnotation, Send, START, StateGraph } from "@langchain/langgraph";
import { expect, it } from "vitest";
import { closeOpenToolCalls } from "./open-tool-calls.ts";

const CALLS = [
  { id: "a", name: "fast", args: {}, type: "tool_call" as const },
  { id: "b", name: "slow", args: {}, type: "tool_call" as const },
];

/** A model that calls two tools in parallel; the second never comes back. */
function cutOffGraph(checkpointer: MemorySaver) {
  return new StateGraph(MessagesAnnotation)
    .addNode("model", () => ({ messages: [new AIMessage({ id: "ai", content: "", tool_calls: CALLS })] }))
    .addNode("fast", () => ({
      messages: [new ToolMessage({ tool_call_id: "a", name: "fast", content: "real result" })],
    }))
    .addNode("slow", () => {
      throw new Error("cut off");
    })
    .addEdge(START, "model")
    .addConditionalEdges("model", () => [new Send("fast", {}), new Send("slow", {})], ["fast", "slow"])
    .addEdge("fast", END)
    .addEdge("slow", END)
    .compile({ checkpointer });
}

async function cutOffThread() {
  const saver = new MemorySaver();
  const config = { configurable: { thread_id: "t" } };
  await expect(cutOffGraph(saver).invoke({ messages: [new HumanMessage("go")] }, config)).rejects.toThrow("cut off");
  return saver;
}

const close = (input: unknown, saver: MemorySaver) =>
  closeOpenToolCalls(input, saver, { threadId: "t", checkpoint: undefined }) as Promise<{
    messages: Record<string, unknown>[];
  }>;

it("gives each open call its real result if that arrived, else one that says it was cancelled", async () => {
  const closed = await close({ messages: [{ role: "user", content: "hello?" }] }, await cutOffThread());
  expect(closed.messages).toMatchObject([
    { type: "tool", tool_call_id: "a", content: "real result" },
    { type: "tool", tool_call_id: "b", name: "slow", status: "error", additional_kwargs: { cancelled: true } },
    { role: "user", content: "hello?" },
  ]);
});

it("leads to a history in which every call is followed by its result", async () => {
  const saver = await cutOffThread();
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("model", () => ({ messages: [new AIMessage("done")] }))
    .addEdge(START, "model")
    .compile({ checkpointer: saver });
  const input = await close({ messages: { role: "user", content: "hello?" } }, saver);
  const { messages } = await graph.invoke(input as never, { configurable: { thread_id: "t" } });
  expect((messages as BaseMessage[]).map((message) => message.getType())).toEqual([
    "human",
    "ai",
    "tool",
    "tool",
    "human",
    "ai",
  ]);
});

it("leaves alone what needs nothing: answered calls, inputs without messages, fresh threads, commands", async () => {
  const saver = await cutOffThread();
  const answers = { messages: ["a", "b"].map((id) => ({ type: "tool", tool_call_id: id, content: "mine" })) };
  expect(await close(answers, saver)).toBe(answers);
  const other = { topic: "x" };
  expect(await close(other, saver)).toBe(other);
  const input = { messages: [{ role: "user", content: "hi" }] };
  expect(await close(input, new MemorySaver())).toBe(input);
  const command = new Command({ resume: 1 });
  expect(await close(command, saver)).toBe(command);
});
