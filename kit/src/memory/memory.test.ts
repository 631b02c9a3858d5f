// Long-term memory: what is written, replaced, forgotten and recalled, per user and within a budget.
import { type ProviderStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { HumanMessage } from "@langchain/core/messages";
import { InMemoryStore } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { estimateTextTokens } from "../context-window/token-estimate.ts";
import { createModel } from "../models/create-model.ts";
import { forgetUser, type MemoryFact, memoryNamespace, recall, remember } from "./memory.ts";
import { memoryMiddleware } from "./memory-middleware.ts";

let stub: ProviderStub;
let store: InMemoryStore;
beforeEach(async () => {
  stub = await startOpenAiStub();
  store = new InMemoryStore();
});
afterEach(() => stub.close());

const connect = () => createModel("openai:gpt-4o", { apiKey: "test-key", baseUrl: stub.url, env: {}, retriesMax: 0 });
const finding = (...facts: object[]) => ({ toolCalls: [{ name: "update_memory", args: { facts } }] });
const factsOf = async (userId: string) =>
  (await store.search(memoryNamespace(userId), { limit: 500 })).map(({ value }) => (value as MemoryFact).text).sort();

async function tell(userId: string, text: string, options: object = {}) {
  return remember(store, userId, [new HumanMessage(text)], { model: await connect(), ...options });
}

describe("remembering", () => {
  it("adds, updates and forgets, and shows the model what is there already", async () => {
    stub.script(
      finding(
        { action: "add", topic: "diet", text: "Ada is a vegetarian." },
        { action: "add", topic: "home", text: "Ada lives in Bern." },
      ),
    );
    const first = await tell("ada", "I am a vegetarian and live in Bern.");
    expect(first.added).toHaveLength(2);
    stub.script(({ messages }) => {
      const [, key] = /\[(\w+)\] \(diet\)/.exec(messages.at(-1)!.text)!;
      return finding({ action: "forget", key }, { action: "update", topic: "home", text: "Ada lives in Basel." });
    });
    const second = await tell("ada", "I eat meat again, and I moved to Basel.");
    expect([second.forgotten.length, second.updated.length, second.added.length]).toEqual([1, 1, 0]);
    expect(await factsOf("ada")).toEqual(["Ada lives in Basel."]);
  });

  it("keeps one of facts that say the same, and does nothing twice", async () => {
    const reply = finding(
      { action: "add", topic: "pets", text: "Ada has a dog." },
      { action: "add", topic: "other", text: "ada has a DOG!" },
      { action: "add", topic: "other", text: "Ada likes tea." },
      { action: "forget", key: "no-such-key" },
      { action: "add", text: "  " },
    );
    stub.script(reply, reply);
    await tell("ada", "x");
    const before = await factsOf("ada");
    expect(before).toHaveLength(2);
    await tell("ada", "x");
    expect(await factsOf("ada")).toHaveLength(2);
  });

  it("keeps users apart, keeps no more than it may, and is erased whole", async () => {
    stub.script(
      finding(...Array.from({ length: 12 }, (_, n) => ({ action: "add", text: `Fact number ${n}.` }))),
      finding({ action: "add", text: "Bob sails." }),
    );
    await tell("ada", "x", { factsMax: 10 });
    await tell("bob.smith", "x");
    expect(await factsOf("ada")).toHaveLength(10);
    expect(await forgetUser(store, "ada")).toBe(10);
    expect(await factsOf("ada")).toEqual([]);
    expect(await factsOf("bob.smith")).toEqual(["Bob sails."]);
  });
});

it("recalls what has to do with the question first, within the budget", async () => {
  const facts = [
    "Ada plays the cello.",
    "Ada lives in Bern.",
    "Ada takes the train to work in Zurich.",
    "Ada is allergic to nuts.",
  ];
  stub.script(finding(...facts.map((text) => ({ action: "add", text }))));
  await tell("ada", "x");
  const [first] = await recall(store, "ada", "Can she eat nuts?");
  expect(first!.text).toBe("Ada is allergic to nuts.");
  const tokensMax = estimateTextTokens(`- ${facts[3]}\n`) + 1;
  expect(await recall(store, "ada", "nuts", tokensMax)).toHaveLength(1);
  expect(await recall(store, "bob", "nuts")).toEqual([]);
});

it("serves an agent: remembers after an answer, knows it in another conversation, and fails without harm", async () => {
  const errors: unknown[] = [];
  const model = await connect();
  const agent = createAgent({
    model,
    tools: [],
    store,
    systemPrompt: "Help.",
    middleware: [memoryMiddleware({ model, onError: (error) => errors.push(error) })],
  });
  const say = async (text: string, user_id?: string) => {
    const state = await agent.invoke(
      { messages: [new HumanMessage(text)] },
      { configurable: user_id ? { user_id } : {} },
    );
    return state.messages.at(-1)!.text;
  };
  stub.script("Noted.", finding({ action: "add", topic: "diet", text: "Ada is allergic to nuts." }));
  expect(await say("I am allergic to nuts.", "ada")).toBe("Noted.");
  stub.script("No nuts then.", finding());
  await say("What shall I cook?", "ada");
  expect(stub.calls.at(-2)!.conversation!.messages[0]!.text).toBe(
    "Help.\n\nWhat you know of the user from earlier conversations:\n- Ada is allergic to nuts.",
  );
  const before = stub.calls.length;
  stub.script("Hello.");
  await say("Who am I?");
  expect(stub.calls.length).toBe(before + 1);
  stub.script("Fine.", "no facts here", "none", "none");
  expect(await say("And now?", "ada")).toBe("Fine.");
  expect(errors).toHaveLength(1);
});
