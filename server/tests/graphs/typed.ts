// Graphs described by TypeScript types alone, of which nothing but channel names exists at run time.
import type { BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  END,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  messagesStateReducer,
  START,
  StateGraph,
} from "@langchain/langgraph";

interface Ticket {
  id: number;
  title: string;
  priority: "low" | "high";
  tags?: string[];
  opened: Date;
}

const State = Annotation.Root({
  messages: Annotation<BaseMessage[]>({ reducer: messagesStateReducer, default: () => [] }),
  ticket: Annotation<Ticket>,
  scores: Annotation<Record<string, number>>({ reducer: (a, b) => ({ ...a, ...b }), default: () => ({}) }),
  note: Annotation<string | null>,
});

const Input = Annotation.Root({ ticket: Annotation<Ticket> });
const Output = Annotation.Root({ note: Annotation<string | null> });
const Config = Annotation.Root({ language: Annotation<"de" | "en">, depth: Annotation<number | undefined> });

const write = (state: typeof State.State, config: LangGraphRunnableConfig) => ({
  note: `${state.ticket?.title} in ${config.configurable?.language}`,
});

export const graph = new StateGraph({ stateSchema: State, input: Input, output: Output }, Config)
  .addNode("write", write)
  .addEdge(START, "write")
  .addEdge("write", END)
  .compile();

/** Made anew for each call. */
export async function makeGraph() {
  return new StateGraph(Annotation.Root({ ...MessagesAnnotation.spec, count: Annotation<number> }))
    .addNode("raise", ({ count }) => ({ count: (count ?? 0) + 1 }))
    .addEdge(START, "raise")
    .addEdge("raise", END);
}
