// Remembers across threads: writes a note to the store, and answers with what it finds there.
import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  user: Annotation<string>,
  note: Annotation<string | null>,
  ask: Annotation<string | null>,
  found: Annotation<{ key: string; value: unknown; score?: number | undefined }[]>,
});

async function remember(state: typeof State.State, config: LangGraphRunnableConfig) {
  const { store } = config;
  if (store === undefined) throw new Error("no store");
  const namespace = ["notes", state.user];
  if (state.note) await store.put(namespace, `note-${state.note.length}`, { text: state.note, by: "graph" });
  const items = await store.search(namespace, state.ask ? { query: state.ask } : {});
  return { found: items.map(({ key, value, score }) => ({ key, value, ...(score === undefined ? {} : { score }) })) };
}

export const graph = new StateGraph(State)
  .addNode("remember", remember)
  .addEdge(START, "remember")
  .addEdge("remember", END)
  .compile();

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Embeddings by letters, so that texts with the same letters are near each other. */
export const embed = async (texts: string[]): Promise<number[][]> =>
  texts.map((text) => [...LETTERS].map((letter) => text.split(letter).length - 1));
