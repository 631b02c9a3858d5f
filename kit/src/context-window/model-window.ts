// How large a model's window is: LangChain's profile of the model first, then a maintained table, then a careful assumption.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { lookUpModel } from "../usage/model-catalog.ts";

/** Window assumed for a model that nobody knows: what most local models are run with at least. */
const windowTokensUnknown = 16_000;

/** Share of a model's window given to messages if no budget is set; the rest is for the system prompt, tools and the answer. */
const windowShareDefault = 0.5;

/**
 * The window of a model, in tokens.
 * @returns `maxInputTokens` of LangChain's model profile (models.dev), else the context window in genai-prices, else 16,000
 */
export function windowTokensOf(model: BaseChatModel): number {
  const { maxInputTokens } = (model.profile ?? {}) as { maxInputTokens?: number };
  if (maxInputTokens !== undefined) return maxInputTokens;
  const { ls_provider, ls_model_name } = describe(model);
  if (!ls_provider || !ls_model_name) return windowTokensUnknown;
  return lookUpModel(ls_provider, ls_model_name, { input_tokens: 1 })?.windowTokens ?? windowTokensUnknown;
}

/** The token budget for the messages of a model: half of its window. */
export function tokenBudgetFor(model: BaseChatModel): number {
  return Math.floor(windowTokensOf(model) * windowShareDefault);
}

function describe(model: BaseChatModel): { ls_provider?: string; ls_model_name?: string } {
  try {
    return model.getLsParams({} as never);
  } catch {
    // Models of one's own may not be able to say.
    return {};
  }
}
