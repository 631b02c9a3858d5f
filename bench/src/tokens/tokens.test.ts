// The promise of the context window, on half of the conversation: a fifth of the tokens, the facts still there, and a flat cost.
import { expect, it } from "vitest";
import { makeConversation } from "./conversation.ts";
import { converse } from "./converse.ts";

it("the kit sends a fraction of the full history's tokens and keeps the facts in view, turn after turn", async () => {
  const turns = makeConversation(50);
  const [full, trimmed, kit] = await Promise.all([
    converse("full history", "openai", turns, 2_000),
    converse("trimming", "openai", turns, 2_000),
    converse("kit", "openai", turns, 2_000),
  ]);
  expect(full.factShare).toBe(1);
  // Trimming alone forgets: without that the test would prove nothing.
  expect(trimmed.factShare).toBeLessThan(0.5);
  expect(kit.factShare).toBeGreaterThanOrEqual(0.95);
  // Of 50 turns; of 100 it is less than a fifth (bench/results/tokens.json).
  expect(kit.inputTokens / full.inputTokens).toBeLessThan(0.4);
  const mean = (from: number) => kit.inputTokensByTurn.slice(from, from + 15).reduce((sum, each) => sum + each, 0) / 15;
  expect(mean(35) / mean(20)).toBeLessThan(1.25);
});
