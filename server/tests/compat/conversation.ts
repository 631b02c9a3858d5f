// What tests about conversations say and look at.
import type { ThreadState } from "@langchain/langgraph-sdk";

// biome-ignore lint/suspicious/noExplicitAny: what a state holds depends on the graph
export type State = ThreadState<any>;

/** An input with one message of the user's. */
export const human = (content: string) => ({ messages: [{ role: "user", content }] });

/** What the messages of a state say. */
export function textsOf(state: State): string[] {
  return (state.values.messages ?? []).map(({ content }: { content: string }) => content);
}
