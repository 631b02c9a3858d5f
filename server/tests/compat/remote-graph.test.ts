// LangGraph's RemoteGraph: our server's graphs as nodes of graphs that run elsewhere.
import { Command, END, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { RemoteGraph } from "@langchain/langgraph/remote";
import { expect, it } from "vitest";
import { useServer } from "../harness/sdk-test.ts";

const server = useServer({ graphs: ["agent", "nested", "ask"] });
const remote = (graphId: string) => new RemoteGraph({ graphId, url: server.url, apiKey: "unused" });
const config = () => ({ configurable: { thread_id: crypto.randomUUID() } });

const hello = { messages: [{ role: "user", content: "hi" }] };

it("is invoked and streamed like a local graph", async () => {
  const result = (await remote("agent").invoke(hello)) as { messages: { content: string }[] };
  expect(result.messages.map(({ content }) => content)).toEqual(["hi", "You said: hi"]);
  const updates: unknown[] = [];
  for await (const update of await remote("agent").stream(hello, { streamMode: "updates" })) updates.push(update);
  expect(updates).toMatchObject([{ agent: { messages: [{ content: "You said: hi" }] } }]);
});

it("is a node of another graph, its subgraph events included", async () => {
  const parent = new StateGraph(MessagesAnnotation)
    .addNode("before", () => ({}))
    .addNode("remote", remote("agent"))
    .addEdge(START, "before")
    .addEdge("before", "remote")
    .addEdge("remote", END)
    .compile();
  const result = await parent.invoke(hello);
  expect(result.messages.map(({ content }) => content)).toEqual(["hi", "You said: hi"]);
  const namespaces: string[][] = [];
  for await (const [namespace] of await parent.stream(hello, { streamMode: "updates", subgraphs: true })) {
    namespaces.push(namespace);
  }
  expect(namespaces.some((namespace) => namespace.length > 0)).toBe(true);
});

it("keeps its state on the server, which can be read and changed", async () => {
  const { client } = remote("agent") as unknown as {
    client: { threads: { create(): Promise<{ thread_id: string }> } };
  };
  const { thread_id } = await client.threads.create();
  const thread = { configurable: { thread_id } };
  const graph = remote("agent");
  await graph.invoke(hello, thread);
  const state = await graph.getState(thread);
  expect(state.values).toMatchObject({ messages: [{ content: "hi" }, { content: "You said: hi" }] });
  expect(state.next).toEqual([]);
  await graph.updateState(thread, { messages: [{ role: "user", content: "more" }] }, "__start__");
  expect((await graph.getState(thread)).next).toEqual(["agent"]);
  const steps: unknown[] = [];
  for await (const each of graph.getStateHistory(thread)) steps.push(each.metadata?.step);
  expect(steps).toEqual([2, 1, 0, -1]);
});

it("draws itself, subgraphs included", async () => {
  const drawing = await remote("nested").getGraphAsync({ xray: true });
  expect(Object.keys(drawing.nodes)).toContain("gp_two:p_two:c_one");
});

it("interrupts the graph around it, and goes on when that is resumed", async () => {
  const graph = remote("ask");
  const { client } = graph as unknown as { client: { threads: { create(): Promise<{ thread_id: string }> } } };
  const { thread_id } = await client.threads.create();
  const thread = { configurable: { thread_id } };
  await graph.invoke({ answers: [] }, thread).catch((error: unknown) => error);
  expect((await graph.getState(thread)).next).toEqual(["ask"]);
  await graph.invoke(new Command({ resume: "Ann" }), thread);
  expect((await graph.getState(thread)).values).toEqual({ answers: ["before", 'asked: "Ann"', "after"] });
  const saved = new StateGraph(MessagesAnnotation)
    .addNode("remote", remote("agent"))
    .addEdge(START, "remote")
    .addEdge("remote", END)
    .compile({ checkpointer: new MemorySaver() });
  expect((await saved.invoke(hello, config())).messages).toHaveLength(2);
});
