// Which provider and model a chat model stands for, as it describes itself to LangChain's tracers.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";

/** LangChain's names of the provider and the model. */
export interface ModelIdentity {
  ls_provider?: string;
  ls_model_name?: string;
}

/** Empty for a model of one's own that cannot say. */
export function identifyModel(model: BaseChatModel): ModelIdentity {
  try {
    return model.getLsParams({} as never);
  } catch {
    return {};
  }
}
