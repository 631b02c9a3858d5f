// Makes a chat model from one string, so that switching models is configuration and never code.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { DemoChatModel } from "./demo-model.ts";
import { ModelConfigError } from "./model-errors.ts";
import { parseModelSpec } from "./model-spec.ts";
import { type ProviderEnv, readProviderEnv } from "./provider-env.ts";

/** Settings that mean the same for every provider. What is left out comes from the environment, then from the provider. */
export interface CreateModelOptions {
  /** API key; else `OPENAI_API_KEY` or `ANTHROPIC_API_KEY`. */
  apiKey?: string;
  /** Endpoint; else `OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL` or `OLLAMA_HOST`, else the provider's own. */
  baseUrl?: string;
  /** Sampling temperature. */
  temperature?: number;
  /** Most tokens of one answer. @default the provider's; for Anthropic the client library's figure for the model */
  outputTokensMax?: number;
  /** Retries of a failed call inside the client library. @default 2 */
  retriesMax?: number;
  /** Time limit of one call inside the client library, in milliseconds (OpenAI only; use an AbortSignal elsewhere). */
  timeoutMs?: number;
  /** OpenAI only: use the responses API instead of chat completions. @default false */
  useResponsesApi?: boolean;
  /** Demo model only: pause before each token, in milliseconds; else `HOLDFAST_DEMO_DELAY_MS`. @default 0 */
  demoDelayMs?: number;
  /** Where provider settings are read. @default the process environment */
  env?: ProviderEnv;
}

const defaultRetriesMax = 2;
const demoDelayMsMax = 60_000;

/**
 * Makes the chat model that `spec` names: `openai:…`, `anthropic:…`, `ollama:…` or `demo`. A provider's client package is
 * loaded only when it is asked for, because each costs some 300 ms of start-up.
 * @throws ModelConfigError for an unknown provider, a missing model name, a missing key (names the variable) or a bad setting.
 */
export async function createModel(spec: string, options: CreateModelOptions = {}): Promise<BaseChatModel> {
  const { provider, modelName } = parseModelSpec(spec);
  const env = options.env ?? readProviderEnv();
  switch (provider) {
    case "openai":
      return createOpenAiModel(modelName, options, env);
    case "anthropic":
      return createAnthropicModel(modelName, options, env);
    case "ollama":
      return createOllamaModel(modelName, options, env);
    case "demo":
      return new DemoChatModel({ tokenDelayMs: options.demoDelayMs ?? parseDemoDelayMs(env.demoDelayMs) });
  }
}

async function createOpenAiModel(model: string, options: CreateModelOptions, env: ProviderEnv): Promise<BaseChatModel> {
  const baseUrl = options.baseUrl ?? env.openaiBaseUrl;
  // vLLM, LM Studio and llama.cpp ask for no key, but the client library insists on having one.
  const apiKey = options.apiKey ?? env.openaiApiKey ?? (baseUrl ? "not-needed" : undefined);
  if (!apiKey) throw missingKey(`openai:${model}`, "OPENAI_API_KEY", " (or OPENAI_BASE_URL for a server without keys)");
  const { ChatOpenAI } = await import("@langchain/openai");
  return new ChatOpenAI({
    model,
    apiKey,
    maxRetries: options.retriesMax ?? defaultRetriesMax,
    useResponsesApi: options.useResponsesApi ?? false,
    ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
    ...(options.temperature !== undefined && { temperature: options.temperature }),
    ...(options.outputTokensMax !== undefined && { maxTokens: options.outputTokensMax }),
    ...(baseUrl && { configuration: { baseURL: baseUrl } }),
  });
}

async function createAnthropicModel(
  model: string,
  options: CreateModelOptions,
  env: ProviderEnv,
): Promise<BaseChatModel> {
  const apiKey = options.apiKey ?? env.anthropicApiKey;
  if (!apiKey) throw missingKey(`anthropic:${model}`, "ANTHROPIC_API_KEY", "");
  const baseUrl = options.baseUrl ?? env.anthropicBaseUrl;
  const { ChatAnthropic } = await import("@langchain/anthropic");
  return new ChatAnthropic({
    model,
    apiKey,
    maxRetries: options.retriesMax ?? defaultRetriesMax,
    ...(options.temperature !== undefined && { temperature: options.temperature }),
    ...(options.outputTokensMax !== undefined && { maxTokens: options.outputTokensMax }),
    ...(baseUrl && { anthropicApiUrl: baseUrl }),
  });
}

async function createOllamaModel(model: string, options: CreateModelOptions, env: ProviderEnv): Promise<BaseChatModel> {
  const host = options.baseUrl ?? env.ollamaHost;
  const { CancellableOllama } = await import("./cancellable-ollama.ts");
  return new CancellableOllama({
    model,
    maxRetries: options.retriesMax ?? defaultRetriesMax,
    ...(host && { baseUrl: toOllamaUrl(host) }),
    ...(options.temperature !== undefined && { temperature: options.temperature }),
    ...(options.outputTokensMax !== undefined && { numPredict: options.outputTokensMax }),
  });
}

/** `OLLAMA_HOST` may lack scheme and port, and may be the wildcard address a server listens on, which nobody can call. */
export function toOllamaUrl(host: string): string {
  const hasScheme = /^https?:\/\//.test(host);
  const withScheme = hasScheme ? host : `http://${host}`;
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch {
    throw new ModelConfigError("invalid_setting", `OLLAMA_HOST is not an address: "${host}".`);
  }
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  // As Ollama's own programs read it: a bare host means its default port, a written scheme means that scheme's port.
  if (!hasScheme && !url.port) url.port = "11434";
  return url.toString().replace(/\/$/, "");
}

function parseDemoDelayMs(text: string | undefined): number {
  if (text === undefined) return 0;
  const delayMs = Number(text);
  if (Number.isFinite(delayMs) && delayMs >= 0 && delayMs <= demoDelayMsMax) return delayMs;
  throw new ModelConfigError(
    "invalid_setting",
    `HOLDFAST_DEMO_DELAY_MS must be a number of milliseconds from 0 to ${demoDelayMsMax}, not "${text}".`,
  );
}

/** The error that names the variable to set. */
export function missingKey(spec: string, variable: string, alternative: string): ModelConfigError {
  return new ModelConfigError(
    "missing_api_key",
    `The model "${spec}" needs an API key: set ${variable}${alternative}.`,
  );
}
