// Decides which model to use from the environment, and says why.
import { parseModelSpec } from "./model-spec.ts";
import { type ProviderEnv, readProviderEnv } from "./provider-env.ts";

/** A chosen model and the reason, in a sentence fit for a start banner. */
export interface SelectedModel {
  /** Spec for `createModel`. */
  spec: string;
  /** Why this one, and how to choose another. */
  reason: string;
}

/**
 * Chooses the model: `MODEL` if it is set, otherwise the offline demo model. Keys alone never choose a model, so that nothing
 * is sent to a paid provider by surprise.
 * @param env provider settings. @default the process environment
 * @throws ModelConfigError if `MODEL` is not a valid spec.
 */
export function selectModel(env: ProviderEnv = readProviderEnv()): SelectedModel {
  if (env.model) {
    parseModelSpec(env.model);
    return { spec: env.model, reason: `MODEL=${env.model}` };
  }
  return { spec: "demo", reason: `MODEL is not set, so the offline demo model answers; ${howToChoose(env)}` };
}

function howToChoose(env: ProviderEnv): string {
  if (env.openaiApiKey) return "OPENAI_API_KEY is set: choose a model with MODEL=openai:MODEL_NAME";
  if (env.anthropicApiKey) return "ANTHROPIC_API_KEY is set: choose a model with MODEL=anthropic:MODEL_NAME";
  if (env.ollamaHost) return "OLLAMA_HOST is set: choose a model with MODEL=ollama:MODEL_NAME";
  return "set MODEL=openai:…, anthropic:… (with its API key) or ollama:… to use a real one";
}
