// Makes a resilient model from specs; breakers and rates of a model are shared by all chains of a process.
import { CircuitBreaker, type CircuitBreakerOptions } from "./circuit-breaker.ts";
import { type CreateModelOptions, createModel } from "./create-model.ts";
import { RequestRate } from "./request-rate.ts";
import type { ModelCandidate, ResilienceOptions } from "./resilience-options.ts";
import { ResilientChatModel } from "./resilient-model.ts";

/** Settings of a chain. */
export interface ModelChainOptions extends ResilienceOptions {
  /** For all models of the chain. Retries are the chain's own business. */
  model?: Omit<CreateModelOptions, "retriesMax" | "timeoutMs">;
  /** Counts for the first chain of the process that names a model. */
  breaker?: CircuitBreakerOptions;
  /** Most calls a minute of each model in this process; counts for the first chain that names it. @default no limit */
  requestsPerMinuteMax?: number;
}

interface SharedState {
  breaker: CircuitBreaker;
  rate: RequestRate;
}

const sharedByModel = new Map<string, SharedState>();

/**
 * Makes one model out of several, the preferred first: `createModelChain(["anthropic:…", "openai:…", "ollama:…"])`.
 * @throws ModelConfigError as `createModel` does, for the first spec that is wrong.
 */
export async function createModelChain(
  specs: [string, ...string[]],
  options: ModelChainOptions = {},
): Promise<ResilientChatModel> {
  const { model: modelOptions, breaker, requestsPerMinuteMax = Number.POSITIVE_INFINITY, ...resilience } = options;
  const candidates: ModelCandidate[] = [];
  for (const spec of specs) {
    const model = await createModel(spec, { ...modelOptions, retriesMax: 0 });
    const key = `${spec} ${modelOptions?.baseUrl ?? ""}`;
    const shared = sharedByModel.get(key) ?? {
      breaker: new CircuitBreaker(breaker),
      rate: new RequestRate(requestsPerMinuteMax),
    };
    sharedByModel.set(key, shared);
    candidates.push({ name: spec, model, ...shared });
  }
  return new ResilientChatModel(candidates as [ModelCandidate, ...ModelCandidate[]], resilience);
}
