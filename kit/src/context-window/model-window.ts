// How large a model's window is: by LangChain's profile of the model and a maintained table, else a careful assumption.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { identifyModel } from "../models/model-identity.ts";
import { lookUpModel } from "../usage/model-catalog.ts";

/** Window assumed for a model that nobody knows: what most local models are run with at least. */
const windowTokensUnknown = 16_000;

/** Share of a model's window given to messages if no budget is set; the rest is for the system prompt, tools and the answer. */
const windowShareDefault = 0.5;

/**
 * The window of a model, in tokens. Where both sources know it the smaller counts: LangChain's profile of claude-sonnet-4-5 names the million
 * that only accounts with the long context have.
 * @returns `maxInputTokens` of LangChain's model profile (models.dev), the context window in genai-prices, or 16,000
 */
export function windowTokensOf(model: BaseChatModel): number {
  const { maxInputTokens } = (model.profile ?? {}) as { maxInputTokens?: number };
  const { ls_provider, ls_model_name } = identifyModel(model);
  const listed =
    ls_provider && ls_model_name
      ? lookUpModel(ls_provider, ls_model_name, { input_tokens: 1 })?.windowTokens
      : undefined;
  const known = [maxInputTokens, listed].filter((tokens) => tokens !== undefined);
  return known.length > 0 ? Math.min(...known) : windowTokensUnknown;
}

/** The token budget for the messages of a model: half of its window. */
export function tokenBudgetFor(model: BaseChatModel): number {
  return Math.floor(windowTokensOf(model) * windowShareDefault);
}
