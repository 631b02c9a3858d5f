// Makes an embedding model from one string, as create-model.ts does for chat models.
import type { Embeddings } from "@langchain/core/embeddings";
import { missingKey, toOllamaUrl } from "./create-model.ts";
import { ModelConfigError } from "./model-errors.ts";
import { type ModelSpec, parseModelSpec } from "./model-spec.ts";
import { type ProviderEnv, readProviderEnv } from "./provider-env.ts";

/** What is left out comes from the environment, then from the provider. */
export interface CreateEmbeddingsOptions {
  /** Length of the vectors, for models that can shorten theirs (OpenAI's text-embedding-3). @default the model's own */
  dimensions?: number;
  /** Retries of a failed call inside the client library. @default 2 */
  retriesMax?: number;
  /** Where provider settings are read. @default the process environment */
  env?: ProviderEnv;
}

const defaultRetriesMax = 2;

/** OpenAI's models that take a number of dimensions; others refuse the setting. */
const shortenableModel = /^text-embedding-3/;

/**
 * Makes the embedding model that `spec` names: `openai:text-embedding-3-small`, `ollama:nomic-embed-text`. A provider's client
 * package is loaded only when it is asked for.
 * @throws ModelConfigError for a provider without embeddings, a missing model name or a missing key (names the variable).
 */
export async function createEmbeddings(spec: string, options: CreateEmbeddingsOptions = {}): Promise<Embeddings> {
  const model = parseModelSpec(spec);
  const env = options.env ?? readProviderEnv();
  if (model.provider === "openai") return createOpenAiEmbeddings(model, options, env);
  if (model.provider === "ollama") return createOllamaEmbeddings(model, options, env);
  throw new ModelConfigError(
    "unknown_provider",
    `The provider "${model.provider}" has no embedding models here; use "openai:…" or "ollama:…".`,
  );
}

async function createOpenAiEmbeddings(
  { modelName: model }: ModelSpec,
  options: CreateEmbeddingsOptions,
  env: ProviderEnv,
): Promise<Embeddings> {
  const apiKey = env.openaiApiKey ?? (env.openaiBaseUrl ? "not-needed" : undefined);
  if (!apiKey) throw missingKey(`openai:${model}`, "OPENAI_API_KEY", " (or OPENAI_BASE_URL for a server without keys)");
  const { OpenAIEmbeddings } = await import("@langchain/openai");
  const { dimensions } = options;
  return new OpenAIEmbeddings({
    model,
    apiKey,
    maxRetries: options.retriesMax ?? defaultRetriesMax,
    // The client library asks for base64 by default, which many compatible servers do not speak.
    encodingFormat: "float",
    ...(dimensions !== undefined && shortenableModel.test(model) && { dimensions }),
    ...(env.openaiBaseUrl && { configuration: { baseURL: env.openaiBaseUrl } }),
  });
}

async function createOllamaEmbeddings(
  { modelName: model }: ModelSpec,
  options: CreateEmbeddingsOptions,
  env: ProviderEnv,
): Promise<Embeddings> {
  const { OllamaEmbeddings } = await import("@langchain/ollama");
  return new OllamaEmbeddings({
    model,
    maxRetries: options.retriesMax ?? defaultRetriesMax,
    ...(env.ollamaHost && { baseUrl: toOllamaUrl(env.ollamaHost) }),
  });
}
