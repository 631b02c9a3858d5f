// Facts that an agent pins: short texts that stay before the model's eyes word for word, whatever is summarised or left out.
import { type BaseMessage, HumanMessage } from "@langchain/core/messages";
import { ReducedValue, StateSchema } from "@langchain/langgraph";
import { z } from "zod";
import { estimateTextTokens } from "./token-estimate.ts";

/** One pinned fact. Another one under the same id takes its place; one without text takes it away. */
export interface PinnedFact {
  id: string;
  text: string;
}

const fact = z.object({ id: z.string(), text: z.string() });

/** The channel of pinned facts; part of the context window's state. */
export const pinnedFactState = new StateSchema({
  pinnedFacts: new ReducedValue(
    z.array(fact).default(() => []),
    { inputSchema: z.array(fact).default(() => []), reducer: mergeFacts },
  ),
});

/** Keeps the newest text of each id, in the order in which they first came. Doing it again changes nothing. */
export function mergeFacts(kept: PinnedFact[], added: PinnedFact[]): PinnedFact[] {
  const byId = new Map(kept.map((one) => [one.id, one]));
  for (const one of added) byId.set(one.id, one);
  return [...byId.values()].filter(({ text }) => text.trim() !== "");
}

/** A state update that pins a fact. `id` names what it is about, such as `order_number`. */
export function pinFact(id: string, text: string): { pinnedFacts: PinnedFact[] } {
  return { pinnedFacts: [{ id, text }] };
}

/** The message in which the model sees them, the newest that fit; nothing if there are none. */
export function factsMessage(facts: PinnedFact[], tokensMax: number): BaseMessage | undefined {
  const lines: string[] = [];
  let tokens = 0;
  for (const { id, text } of facts.toReversed()) {
    const line = `- ${id}: ${text.replaceAll(/\s+/g, " ")}`;
    tokens += estimateTextTokens(line);
    if (tokens > tokensMax) break;
    lines.unshift(line);
  }
  if (lines.length === 0) return undefined;
  return new HumanMessage({ id: "pinned-facts", content: `Facts to keep in mind throughout:\n${lines.join("\n")}` });
}
