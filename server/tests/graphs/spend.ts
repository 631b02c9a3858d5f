// Calls models of a provider as a graph of a user's would: one call a run, several at once, a chain, or one that goes on for long.
import { createModel, createModelChain } from "@holdfast/kit";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { END, type LangGraphRunnableConfig, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

interface Settings {
  /** Specs; more than one make a chain. */
  models?: string[];
  model_url?: string;
  /** Calls at once. */
  calls?: number;
  outputTokensMax?: number;
  /** Spec of a model to turn to when the first may not be called. */
  fallback?: string;
  useResponsesApi?: boolean;
  /** Of each model of a chain. */
  perMinuteMax?: number;
}

async function call(state: typeof MessagesAnnotation.State, config: LangGraphRunnableConfig) {
  const settings = (config.configurable ?? {}) as Settings;
  const { models = ["openai:gpt-4o"], model_url: baseUrl, calls = 1, outputTokensMax, useResponsesApi } = settings;
  const options = {
    apiKey: "test-key",
    retriesMax: 0,
    ...(baseUrl && { baseUrl }),
    ...(outputTokensMax && { outputTokensMax }),
    ...(useResponsesApi && { useResponsesApi }),
  };
  const model: BaseChatModel =
    models.length === 1
      ? await createModel(models[0]!, options)
      : await createModelChain(models as [string, ...string[]], {
          model: options,
          backoff: { firstDelayMs: 1, delayMsMax: 2 },
          ...(settings.perMinuteMax && { requestsPerMinuteMax: settings.perMinuteMax }),
        });
  const runnable =
    settings.fallback === undefined ? model : model.withFallbacks([await createModel(settings.fallback, options)]);
  const answers = await Promise.all(Array.from({ length: calls }, () => runnable.invoke(state.messages)));
  return { messages: answers };
}

export const graph = new StateGraph(MessagesAnnotation)
  .addNode("spender", call)
  .addEdge(START, "spender")
  .addEdge("spender", END)
  .compile();
