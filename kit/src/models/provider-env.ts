// The one place where the kit reads the environment: which model to use and how to reach its provider.

/** Provider settings as the environment states them; absent or empty variables are `undefined`. */
export interface ProviderEnv {
  /** `MODEL`: the model spec to use, for example `openai:gpt-4o`. */
  model?: string;
  /** `OPENAI_API_KEY`. */
  openaiApiKey?: string;
  /** `OPENAI_BASE_URL`: any OpenAI-compatible endpoint, the path up to and including `/v1`. */
  openaiBaseUrl?: string;
  /** `ANTHROPIC_API_KEY`. */
  anthropicApiKey?: string;
  /** `ANTHROPIC_BASE_URL`: without the `/v1`, as Anthropic's own client expects it. */
  anthropicBaseUrl?: string;
  /** `OLLAMA_HOST`: address of an Ollama server, scheme and port optional. */
  ollamaHost?: string;
  /** `HOLDFAST_DEMO_DELAY_MS`: pause of the demo model before each token, in milliseconds. */
  demoDelayMs?: string;
}

/**
 * Reads the provider variables. Nothing is cached: a changed environment counts from the next model on.
 * @param env where to read from. @default process.env
 */
export function readProviderEnv(env: Record<string, string | undefined> = process.env): ProviderEnv {
  const value = (name: string): string | undefined => env[name]?.trim() || undefined;
  return {
    model: value("MODEL"),
    openaiApiKey: value("OPENAI_API_KEY"),
    openaiBaseUrl: value("OPENAI_BASE_URL"),
    anthropicApiKey: value("ANTHROPIC_API_KEY"),
    anthropicBaseUrl: value("ANTHROPIC_BASE_URL"),
    ollamaHost: value("OLLAMA_HOST"),
    demoDelayMs: value("HOLDFAST_DEMO_DELAY_MS"),
  };
}
