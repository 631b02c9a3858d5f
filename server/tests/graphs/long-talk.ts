// An agent with a small context window and a long-term memory, on a provider of the test's.
import { contextWindowMiddleware, createModel, historyRepairMiddleware, memoryMiddleware } from "@holdfast/kit";
import { createAgent } from "langchain";

interface Config {
  configurable?: { model_url?: string };
}

/** `configurable.model_url`: the provider; `user_id`: whose memory. */
export async function makeGraph({ configurable }: Config) {
  const { model_url: baseUrl } = configurable ?? {};
  const model = await createModel("openai:gpt-4o", { apiKey: "test-key", retriesMax: 0, ...(baseUrl && { baseUrl }) });
  const middleware = [
    contextWindowMiddleware({ summaryModel: model, tokensMax: 500 }),
    memoryMiddleware({ model }),
    historyRepairMiddleware(),
  ] as const;
  return createAgent({ model, tools: [], systemPrompt: "Help.", middleware }).graph;
}
