// A model spec is one string that names provider and model, such as "openai:gpt-4o" or "ollama:llama3:8b".
import { ModelConfigError } from "./model-errors.ts";

/** Providers that a model spec may name. */
export const modelProviders = ["openai", "anthropic", "ollama", "demo"] as const;

/** One of {@link modelProviders}. */
export type ModelProvider = (typeof modelProviders)[number];

/** A model spec, taken apart. */
export interface ModelSpec {
  provider: ModelProvider;
  /** The provider's own name of the model; `demo` for the demo model. */
  modelName: string;
}

const allowed = 'allowed are "openai:…", "anthropic:…", "ollama:…" and "demo"';

/**
 * Takes a spec apart. Everything after the first colon belongs to the model's name, because Ollama's names have colons too.
 * @throws ModelConfigError `unknown_provider` or `missing_model_name`, naming what is allowed.
 */
export function parseModelSpec(spec: string): ModelSpec {
  const trimmed = spec.trim();
  const colonAt = trimmed.indexOf(":");
  const prefix = (colonAt < 0 ? trimmed : trimmed.slice(0, colonAt)).toLowerCase();
  const modelName = colonAt < 0 ? "" : trimmed.slice(colonAt + 1).trim();
  const provider = modelProviders.find((name) => name === prefix);
  if (!provider) {
    throw new ModelConfigError("unknown_provider", `Unknown model provider "${prefix}" in "${trimmed}": ${allowed}.`);
  }
  if (provider === "demo") return { provider, modelName: "demo" };
  if (!modelName) {
    throw new ModelConfigError(
      "missing_model_name",
      `The model "${trimmed}" names a provider but no model; write "${provider}:MODEL_NAME".`,
    );
  }
  return { provider, modelName };
}
