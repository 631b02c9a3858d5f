// Trimming: whole groups, within the budget, with a prefix that stays put.
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitHistory } from "./fit-history.ts";
import { repairHistory } from "./history-repair.ts";
import { pinMessage } from "./message-groups.ts";
import { estimateTextTokens, estimateTokens } from "./token-estimate.ts";

/** One turn: a question, perhaps tool calls with results, an answer. */
function turn(index: number, callsCount: number, length: number): BaseMessage[] {
  const ids = Array.from({ length: callsCount }, (_, at) => `c${index}x${at}`);
  const calling = new AIMessage({
    id: `a${index}`,
    content: "",
    tool_calls: ids.map((id) => ({ id, name: "f", args: {} })),
  });
  const results = ids.map((id) => new ToolMessage({ id: `r${id}`, tool_call_id: id, content: "r".repeat(length) }));
  const answer = new AIMessage({ id: `b${index}`, content: `answer ${"b".repeat(length)}` });
  return [
    new HumanMessage({ id: `h${index}`, content: `question ${index}` }),
    ...(callsCount > 0 ? [calling, ...results] : []),
    answer,
  ];
}

const turns = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 200 })), {
  minLength: 1,
  maxLength: 40,
});

describe("fitHistory", () => {
  it("keeps whole groups, begins with the user, stays within the budget, and keeps the newest turn", () => {
    fc.assert(
      fc.property(turns, fc.integer({ min: 400, max: 1500 }), (shape, tokensMax) => {
        const messages = shape.flatMap(([callsCount, length], index) => turn(index, callsCount, length));
        const fitted = fitHistory(messages, { tokensMax });
        expect(repairHistory(fitted.messages, { firstMessage: "user" }).problems).toEqual([]);
        expect(fitted.tokens).toBe(estimateTokens(fitted.messages));
        expect(fitted.isWithinBudget).toBe(true);
        expect(fitted.tokens).toBeLessThanOrEqual(tokensMax);
        expect(fitted.messages.at(-1)).toBe(messages.at(-1));
        expect([...fitted.left, ...fitted.messages]).toEqual(messages);
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it("moves its beginning seldom, and never back, while a history grows", () => {
    const messages: BaseMessage[] = [];
    const starts: string[] = [];
    for (let index = 0; index < 100; index++) {
      messages.push(...turn(index, index % 3, 100));
      starts.push(fitHistory(messages, { tokensMax: 1200 }).messages[0]!.id!);
    }
    const numbers = starts.map((id) => Number(id.slice(1)));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(starts).size).toBeLessThan(20);
    expect(new Set(starts).size).toBeGreaterThan(5);
  });

  it("keeps system and pinned messages however old they are", () => {
    const system = new SystemMessage({ id: "s", content: "rules" });
    const pinned = pinMessage(new HumanMessage({ id: "p", content: "My name is Ada." }));
    const messages = [system, pinned, ...Array.from({ length: 30 }, (_, index) => turn(index, 1, 100)).flat()];
    const ids = fitHistory(messages, { tokensMax: 500 }).messages.map((message) => message.id);
    expect(ids.slice(0, 2)).toEqual(["s", "p"]);
    expect(ids.length).toBeLessThan(32);
  });

  it("says when the newest turn alone is too large, and keeps it", () => {
    const fitted = fitHistory([...turn(0, 0, 10), ...turn(1, 2, 4000)], { tokensMax: 300 });
    expect(fitted.isWithinBudget).toBe(false);
    expect(fitted.messages.map((message) => message.id)).toEqual(["h1", "a1", "rc1x0", "rc1x1", "b1"]);
  });
});

describe("token estimate", () => {
  it("counts other scripts higher than English", () => {
    expect(estimateTextTokens("abcdefgh")).toBe(2);
    expect(estimateTextTokens("東京都庁")).toBe(4);
  });

  it("does not count a tool call twice when it also stands in the content", () => {
    const tool_calls = [{ id: "c", name: "f", args: { a: 1 } }];
    const plain = new AIMessage({ content: "", tool_calls });
    const twice = new AIMessage({ content: [{ type: "tool_use", id: "c", name: "f", input: { a: 1 } }], tool_calls });
    expect(estimateTokens([twice])).toBe(estimateTokens([plain]));
  });
});
