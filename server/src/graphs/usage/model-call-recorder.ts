// Watches every call of a model that a run makes, through LangChain's callbacks: no graph has to be changed for it.

import { estimateTextTokens, estimateTokens } from "@holdfast/kit/token-estimate";
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { HoldfastError } from "../../domain/errors.ts";
import { mintId } from "../../domain/ids.ts";
import type { BudgetWarning, ModelCall, RunAccounts } from "../../domain/ports/model-accounts.ts";
import { type AnswerChunk, OpenCall } from "./open-call.ts";
import type { ModelOutput } from "./reported-usage.ts";

type Settings = Record<string, unknown>;
type Messages = Parameters<typeof estimateTokens>[0];

/** Set by models that only call other models, which are seen by themselves (the kit's `createModelChain`). */
const WRAPPER_KEY = "holdfast_wrapper";
/** Which try of one answer a call is, from 1. */
const ATTEMPT_KEY = "holdfast_call_attempt";

/** Tokens that a prompt costs beside its messages, in OpenAI's chat format (OpenAI cookbook, "How to count tokens", 2024). */
const PROMPT_OVERHEAD_TOKENS = 3;

export interface RecorderOptions {
  accounts: RunAccounts;
  /** Whether the run was stopped. */
  isStopped: () => boolean;
  onWarning: (warning: BudgetWarning) => void;
}

export class ModelCallRecorder extends BaseCallbackHandler {
  override name = "holdfast_usage";
  /** Asks the kit's wrappers to let their inner calls be seen. */
  readonly wantsAttempts = true;
  /** Why a call could not be accounted, where that is no decision of a budget: the run cannot go on in this process. */
  failure: HoldfastError | undefined;
  readonly #options: RecorderOptions;
  readonly #open = new Map<string, OpenCall>();

  constructor(options: RecorderOptions) {
    // A call that may not be made has to fail, and so has the handler's refusal to be waited for.
    super({ raiseError: true, _awaitHandler: true });
    this.#options = options;
  }

  override async handleChatModelStart(
    _model: unknown,
    messages: Messages[],
    runId: string,
    _parentRunId?: string,
    extra?: Settings,
    _tags?: string[],
    metadata?: Settings,
  ): Promise<void> {
    await this.#begin(runId, () => messages.reduce((sum, group) => sum + estimateTokens(group), 0), extra, metadata);
  }

  override async handleLLMStart(
    _model: unknown,
    prompts: string[],
    runId: string,
    _parentRunId?: string,
    extra?: Settings,
    _tags?: string[],
    metadata?: Settings,
  ): Promise<void> {
    await this.#begin(
      runId,
      () => prompts.reduce((sum, prompt) => sum + estimateTextTokens(prompt), 0),
      extra,
      metadata,
    );
  }

  override handleLLMNewToken(
    token: string,
    _index: unknown,
    runId: string,
    _parentRunId?: string,
    _tags?: string[],
    fields?: { chunk?: unknown },
  ): void {
    this.#open.get(runId)?.addChunk(token, fields?.chunk as AnswerChunk | undefined);
  }

  override handleLLMEnd(output: unknown, runId: string): void {
    const open = this.#take(runId);
    if (open !== undefined) this.#options.accounts.closeCall(open.call, open.complete(output as ModelOutput));
  }

  override handleLLMError(error: unknown, runId: string): void {
    const open = this.#take(runId);
    if (open === undefined) return;
    const isAborted = this.#options.isStopped() || (error as { name?: unknown } | undefined)?.name === "AbortError";
    this.#options.accounts.closeCall(open.call, open.breakOff(isAborted ? "aborted" : "failed", error));
  }

  /**
   * Calls that nobody ended: streams that were left, and nodes that ignore their signal. If such a call ends after all, what it told
   * replaces the estimate.
   */
  async close(): Promise<void> {
    for (const open of this.#open.values()) {
      this.#options.accounts.closeCall(
        open.call,
        open.breakOff("aborted", new Error("The run ended before the call.")),
      );
    }
    await this.#options.accounts.flush();
  }

  async #begin(runId: string, countInput: () => number, extra: Settings = {}, metadata: Settings = {}): Promise<void> {
    // An answer from a cache of LangChain's is no call; a wrapper's calls are seen by themselves.
    if (extra.cached === true || metadata[WRAPPER_KEY] === true) return;
    const call = describeCall(countInput, (extra.invocation_params ?? {}) as Settings, metadata);
    try {
      for (const warning of await this.#options.accounts.openCall(call)) this.#options.onWarning(warning);
    } catch (error) {
      if (error instanceof HoldfastError && error.status !== 402) this.failure = error;
      throw error;
    }
    this.#open.set(runId, new OpenCall(call));
  }

  #take(runId: string): OpenCall | undefined {
    const open = this.#open.get(runId);
    this.#open.delete(runId);
    return open;
  }
}

function describeCall(countInput: () => number, params: Settings, metadata: Settings): ModelCall {
  const outputTokensMax = [
    metadata.ls_max_tokens,
    params.max_completion_tokens,
    params.max_output_tokens,
    params.max_tokens,
    (params.options as Settings | undefined)?.num_predict,
  ].find((limit): limit is number => typeof limit === "number" && limit > 0);
  return {
    callId: mintId(),
    node: textOf(metadata.langgraph_node) ?? null,
    provider: textOf(metadata.ls_provider) ?? null,
    model: textOf(metadata.ls_model_name) ?? textOf(params.model) ?? textOf(params.model_name) ?? "unknown",
    callAttempt: typeof metadata[ATTEMPT_KEY] === "number" ? metadata[ATTEMPT_KEY] : 1,
    inputTokens: estimateInput(countInput) + estimateTools(params.tools) + PROMPT_OVERHEAD_TOKENS,
    outputTokensMax,
  };
}

/** Messages of a user's own making may have any shape; that they cannot be counted is no reason to fail the call. */
function estimateInput(count: () => number): number {
  try {
    return count();
  } catch {
    return 0;
  }
}

function estimateTools(tools: unknown): number {
  return Array.isArray(tools) && tools.length > 0 ? estimateTextTokens(JSON.stringify(tools)) : 0;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
