// A graph with a long-term memory: tells what it knew of the user and remembers one fact more.
import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ fact: Annotation<string>, known: Annotation<string[]> });

async function remember({ fact }: typeof State.State, { store, configurable }: LangGraphRunnableConfig) {
  if (store === undefined) throw new Error("The server gave no store.");
  const namespace = ["facts", String(configurable?.user)];
  const items = await store.search(namespace);
  await store.put(namespace, crypto.randomUUID(), { fact });
  return { known: items.map(({ value }) => String(value.fact)) };
}

/** `configurable.user`: whose facts these are. */
export const graph = new StateGraph(State)
  .addNode("remember", remember)
  .addEdge(START, "remember")
  .addEdge("remember", END)
  .compile();
