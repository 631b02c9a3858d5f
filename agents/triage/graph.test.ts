// Triage, offline and end to end: routing, the correction loop and its bound.
import { DemoChatModel } from "@holdfast/kit";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import { MemorySaver } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { buildTriageGraph, graph } from "./graph.ts";

/** Routes like the demo model but never follows an instruction, and counts its drafts. */
class StubbornModel extends DemoChatModel {
  draftsCount = 0;

  override async _generate(...args: Parameters<DemoChatModel["_generate"]>): Promise<ChatResult> {
    if (args[1].tools?.length) return super._generate(...args);
    this.draftsCount++;
    return { generations: [{ text: "No.", message: new AIMessage("No.") }] };
  }
}

const ask = (text: string) => ({ messages: [new HumanMessage(text)] });

describe("triage", () => {
  it("routes by kind and corrects a refused draft until it passes", async () => {
    const state = await graph.invoke(ask("I was charged twice on my last invoice"));
    expect(state.kind).toBe("billing");
    expect(state.correctionsCount).toBe(1);
    expect(state.problems).toEqual([]);
    expect(state.messages.at(-1)!.text).toContain(`Reference: ${state.reference}`);
    const technical = await graph.invoke(ask("The app crashes with an error when I log in"));
    expect(technical.kind).toBe("technical");
    const general = await graph.invoke(ask("Where is your office?"));
    expect(general.kind).toBe("general");
  });

  it.each([0, 1, 3])("stops after %i corrections and hands over to a person", async (correctionsMax) => {
    const model = new StubbornModel();
    const state = await buildTriageGraph(model)
      .compile()
      .invoke(ask("The login is broken"), { context: { correctionsMax } });
    expect(model.draftsCount).toBe(correctionsMax + 1);
    expect(state.correctionsCount).toBe(correctionsMax);
    expect(state.messages).toHaveLength(2);
    expect(state.messages.at(-1)!.text).toMatch(/^A person will answer your technical request/);
  });

  it("starts afresh with each request of a thread", async () => {
    const threaded = buildTriageGraph(new DemoChatModel()).compile({ checkpointer: new MemorySaver() });
    const config = { configurable: { thread_id: "t1" } };
    const first = await threaded.invoke(ask("My invoice is wrong"), config);
    const second = await threaded.invoke(ask("The app is slow"), config);
    expect(second.reference).not.toBe(first.reference);
    expect(second.correctionsCount).toBe(1);
    expect(second.messages.map((message) => message.type)).toEqual(["human", "ai", "human", "ai"]);
  });

  it("never shows a draft that was not accepted", async () => {
    const shown: string[] = [];
    for await (const [message] of await graph.stream(ask("My invoice is wrong"), { streamMode: "messages" })) {
      shown.push(message.text);
    }
    expect(shown).toHaveLength(1);
    expect(shown[0]).toContain("Reference: B-");
  });
});
