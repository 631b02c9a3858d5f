// A conversation of realistic size without a model: each turn answers at once with some 150 words that no compressor has seen before.
import { AIMessage } from "@langchain/core/messages";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

const ANSWER_WORDS = 150;
const WORDS =
  "the order of a customer was sent on monday to another address because nobody had told warehouse about change we are sorry for this and will refund delivery costs within five days please keep parcel number until money arrives it can be returned free in any shop near you with bill or without";
const VOCABULARY = WORDS.split(" ");

function writeAnswer(seed: number): string {
  let state = (seed * 2_654_435_761 + 1) % 2 ** 32;
  return Array.from({ length: ANSWER_WORDS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return VOCABULARY[state % VOCABULARY.length];
  }).join(" ");
}

export const graph = new StateGraph(MessagesAnnotation)
  .addNode("think", () => ({}))
  .addNode("answer", (state) => ({
    messages: [new AIMessage(`${state.messages.length}: ${writeAnswer(state.messages.length)}`)],
  }))
  .addEdge(START, "think")
  .addEdge("think", "answer")
  .addEdge("answer", END)
  .compile();
