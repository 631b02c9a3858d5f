// Carries out something with an effect on the world outside so that a crash neither repeats nor forgets it unnoticed.
import { randomUUID } from "node:crypto";
import type { RunnableConfig } from "@langchain/core/runnables";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { askPerson, skipUsedAnswers } from "./ask-person.ts";
import { type EffectCall, type EffectRecorder, findRecorder } from "./effect-recorder.ts";

/** Where the tool finds its idempotency key. */
const IDEMPOTENCY_KEY = "holdfast_idempotency_key";

export interface Effect<T> {
  /** Shown to the person who is asked. */
  toolName: string;
  /** JSON. */
  args: unknown;
  toolCallId?: string | undefined;
  /** Whether calling again with the same idempotency key does no harm. */
  isIdempotent: boolean;
  /** Does it. The configuration carries the idempotency key, see {@link idempotencyKeyOf}. */
  execute: (config: RunnableConfig) => Promise<T>;
  /** The result as text, and back; `decode` gets `undefined` where a person gave no result. */
  encode: (result: T) => string;
  decode: (text: string) => T;
  /** The result that stands for a person's decision. */
  decided: (action: "skip" | "done", result: unknown) => T;
}

/** The key to hand on to the outside service: the same for the same call, however often it is repeated. */
export function idempotencyKeyOf(config: RunnableConfig | undefined): string | undefined {
  const key: unknown = config?.configurable?.[IDEMPOTENCY_KEY];
  return typeof key === "string" ? key : undefined;
}

/** Outside of a server that records effects it just runs. */
export async function performEffect<T>(effect: Effect<T>, given: RunnableConfig | undefined): Promise<T> {
  const config = currentConfig(given);
  const configurable = config.configurable ?? {};
  const recorder = findRecorder(configurable);
  if (recorder === undefined) return effect.execute(withKey(config, randomUUID()));
  const call = describeCall(effect, configurable);
  const found = await recorder.reserve(call);
  skipUsedAnswers(found.decisionCount, configurable);
  if (found.kind === "settled") return effect.decode(found.result ?? "null");
  if (found.kind === "reserved") return carryOut(effect, config, recorder, found);
  const { effectId } = found;
  const { decision, decisionCount } = askPerson(recorder, found, call);
  if (decision.action === "retry") {
    await recorder.retry(effectId, decisionCount);
    return carryOut(effect, config, recorder, { effectId, decisionCount });
  }
  const result = effect.decided(decision.action, decision.result);
  const status = decision.action === "skip" ? "skipped" : "finished";
  await recorder.settle(effectId, { status, result: effect.encode(result), error: null, decisionCount });
  return result;
}

async function carryOut<T>(
  effect: Effect<T>,
  config: RunnableConfig,
  recorder: EffectRecorder,
  { effectId, decisionCount }: { effectId: string; decisionCount: number },
): Promise<T> {
  let result: T;
  try {
    result = await effect.execute(withKey(config, effectId));
  } catch (error) {
    // Broken off, it may have happened or not; a failure that the tool itself reports is an answer like any other.
    if (!config.signal?.aborted) {
      await recorder.settle(effectId, { status: "failed", result: null, error: String(error), decisionCount });
    }
    throw error;
  }
  await recorder.settle(effectId, { status: "finished", result: effect.encode(result), error: null, decisionCount });
  return result;
}

function describeCall<T>(effect: Effect<T>, configurable: Record<string, unknown>): EffectCall {
  const { toolName, toolCallId, isIdempotent, args } = effect;
  return {
    toolName,
    toolCallId,
    isIdempotent,
    argsJson: JSON.stringify(args ?? null),
    checkpointNs: String(configurable.checkpoint_ns ?? ""),
    taskId: String(configurable.__pregel_task_id ?? ""),
    checkpointMap: (configurable.checkpoint_map ?? {}) as Record<string, string>,
  };
}

/** A tool that is called without its node's configuration still belongs to that node's task. */
function currentConfig(given: RunnableConfig | undefined): RunnableConfig {
  if (findRecorder(given?.configurable) !== undefined) return given!;
  const ambient = AsyncLocalStorageProviderSingleton.getRunnableConfig() as RunnableConfig | undefined;
  if (findRecorder(ambient?.configurable) === undefined) return given ?? {};
  return { ...ambient, ...given, configurable: { ...ambient?.configurable, ...given?.configurable } };
}

function withKey(config: RunnableConfig, key: string): RunnableConfig {
  return { ...config, configurable: { ...config.configurable, [IDEMPOTENCY_KEY]: key } };
}
