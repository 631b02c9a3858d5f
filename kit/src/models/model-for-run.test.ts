// A run chooses its model by configuration, within what is allowed.
import { type ProviderStub, startOllamaStub } from "@holdfast/provider-stubs";
import { HumanMessage } from "@langchain/core/messages";
import { createAgent } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { DemoChatModel } from "./demo-model.ts";
import { ModelsForRuns, modelForRunMiddleware } from "./model-for-run.ts";

let stub: ProviderStub;
beforeEach(async () => {
  stub = await startOllamaStub();
});
afterEach(() => stub.close());

describe("modelForRunMiddleware", () => {
  const makeAgent = () =>
    createAgent({
      model: new DemoChatModel(),
      tools: [],
      contextSchema: z.object({ model: z.string().optional() }),
      middleware: [
        modelForRunMiddleware({ allowed: ["ollama:llama3", "demo"], options: { env: { ollamaHost: stub.url } } }),
      ],
    });
  const messages = [new HumanMessage("Who are you?")];
  const answerOf = async (config: { context?: { model?: string }; configurable?: Record<string, unknown> }) =>
    (await makeAgent().graph.invoke({ messages }, config)).messages.at(-1)!.text;

  it("keeps the agent's model when none is named, and takes the named one otherwise", async () => {
    expect(await answerOf({})).toContain("demo model");
    expect(await answerOf({ configurable: { model: "ollama:llama3" } })).toBe("Stub answer to: Who are you?");
    expect(await answerOf({ context: { model: "demo" }, configurable: { model: "ollama:llama3" } })).toContain(
      "demo model",
    );
  });

  it("refuses what is not allowed, and calls nobody", async () => {
    await expect(answerOf({ configurable: { model: "openai:gpt-5" } })).rejects.toThrow(
      'The model "openai:gpt-5" may not be chosen here; allowed are: ollama:llama3, demo.',
    );
    expect(stub.calls).toEqual([]);
  });
});

describe("ModelsForRuns", () => {
  it("makes each model once, and forgets one that could not be made", async () => {
    const models = new ModelsForRuns({ allowed: ["demo", "openai:gpt-4o"], options: { env: {} } });
    const first = await models.find({ configurable: { model: "demo" } });
    expect(await models.find({ context: { model: "demo" } })).toBe(first);
    expect(await models.find({ configurable: { thread_id: "t" } })).toBeUndefined();
    for (let count = 0; count < 2; count++) {
      await expect(models.find({ configurable: { model: "openai:gpt-4o" } })).rejects.toMatchObject({
        code: "missing_api_key",
      });
    }
  });

  it("refuses an allowed spec that names no provider at once", () => {
    expect(() => new ModelsForRuns({ allowed: ["gpt-4o"] })).toThrow("Unknown model provider");
  });
});
