// A chat model that survives a provider's bad hour: time limits, safe retries, fallbacks, breakers; nothing is shown twice.
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseLanguageModelInput, StructuredOutputMethodOptions } from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
  type LangSmithParams,
} from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { backoffDelayMs, defaultBackoff, waitFor } from "../retries/backoff.ts";
import { retryAfterMsOf } from "../retries/error-class.ts";
import { holdBack, joinAfter } from "./answer-stream.ts";
import { attemptCallbacks, WRAPPER_METADATA } from "./attempt-callbacks.ts";
import { ModelTimeoutError, streamAttempt } from "./model-attempt.ts";
import { askGate, findModelGate, type ModelGate } from "./model-gate.ts";
import {
  classifyModelError,
  type ModelAttempt,
  type ModelCandidate,
  ModelUnavailableError,
  type ResilienceOptions,
} from "./resilience-options.ts";
import { structuredByTool } from "./structured-output.ts";

const defaults = {
  answerTimeoutMs: 120_000,
  firstChunkTimeoutMs: 30_000,
  idleTimeoutMs: 20_000,
  retriesMax: 2,
  switchAfterMs: 5_000,
  backoff: defaultBackoff,
  onAttempt: () => undefined,
};

const continueText =
  "(The connection broke while you were answering; what arrived is above. Continue exactly where it ends, without repeating any of it and without a remark.)";

/** Call options of a resilient model. */
export interface ResilientCallOptions extends BaseChatModelCallOptions {
  tools?: BindToolsInput[];
}

/** Where one answer stands, over all its attempts. */
interface AnswerProgress {
  deadline: number;
  attempts: ModelAttempt[];
  /** Text that the caller has already been given. */
  shownText: string;
  lastError: unknown;
}

/**
 * Calls the first model of a chain and goes on to the next when it cannot answer.
 *
 * - Errors that a retry may cure (429, 5xx, broken connections, time-outs) are retried with growing, random waits, never sooner
 *   than `Retry-After` says. Others (400, 401, 404) lead to the next model at once.
 * - A model whose breaker is open is passed over; if all are, the last one is tried.
 * - Text is given to the caller as it comes; tool calls and reasoning only once they are complete. If a stream breaks before any
 *   text was given, the call is simply made again. If it breaks later, the model is asked to go on from what was given, so that
 *   no text is given twice.
 * - Cancelling, and every time limit, closes the connection.
 *
 * Seen from outside it is one model call. Its attempts are in the message's `response_metadata.attempts`, in `onAttempt`, and in
 * {@link ModelUnavailableError}, which is thrown when nothing is left to try.
 */
export class ResilientChatModel extends BaseChatModel<ResilientCallOptions> {
  private readonly candidates: ModelCandidate[];
  private readonly options: Required<ResilienceOptions>;

  constructor(candidates: [ModelCandidate, ...ModelCandidate[]], options: ResilienceOptions = {}) {
    super({ metadata: WRAPPER_METADATA });
    this.candidates = candidates;
    this.options = { ...defaults, ...options };
  }

  static override lc_name(): string {
    return "ResilientChatModel";
  }

  override _llmType(): string {
    return "holdfast-resilient";
  }

  override get profile() {
    return this.candidates[0]!.model.profile;
  }

  override getLsParams(options: this["ParsedCallOptions"]): LangSmithParams {
    return this.candidates[0]!.model.getLsParams(options);
  }

  override bindTools(
    tools: BindToolsInput[],
    kwargs?: Partial<ResilientCallOptions>,
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ResilientCallOptions> {
    return this.withConfig({ ...kwargs, tools });
  }

  /** By one forced call of a tool that has the wanted schema, because that is what all providers understand. */
  // biome-ignore lint/suspicious/noExplicitAny: the base class's overloads tie the result to three kinds of schema
  override withStructuredOutput(schema: any, config?: StructuredOutputMethodOptions<boolean>): any {
    return structuredByTool(this, schema, config);
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, runManager))
      whole = whole ? whole.concat(chunk) : chunk;
    const { content, tool_calls, invalid_tool_calls, additional_kwargs, response_metadata, usage_metadata } = whole!
      .message as AIMessageChunk;
    const message = new AIMessage({
      content,
      tool_calls,
      invalid_tool_calls,
      additional_kwargs,
      response_metadata,
      usage_metadata,
    });
    return { generations: [{ text: whole!.text, message }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const progress: AnswerProgress = {
      deadline: Date.now() + this.options.answerTimeoutMs,
      attempts: [],
      shownText: "",
      lastError: undefined,
    };
    const gate = findModelGate();
    const passable = await findPassable(this.candidates, gate);
    const chain = passable.length > 0 ? passable : this.candidates.slice(-1);
    for (const [at, candidate] of chain.entries()) {
      for (let retry = 0; retry <= this.options.retriesMax; retry++) {
        if (retry > 0 && !(await this.waitBeforeRetry(progress, retry, at < chain.length - 1, options.signal))) break;
        const isDone = yield* this.attempt(candidate, messages, options, progress, runManager, gate);
        if (isDone) return;
        if (progress.attempts.at(-1)!.errorClass === "final") break;
      }
    }
    throw new ModelUnavailableError(progress.attempts, progress.lastError);
  }

  /** Whether it is worth waiting and trying the same model again. */
  private async waitBeforeRetry(
    progress: AnswerProgress,
    retry: number,
    hasNext: boolean,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const delayMs = backoffDelayMs(retry, this.options.backoff, retryAfterMsOf(progress.lastError));
    if (hasNext && delayMs > this.options.switchAfterMs) return false;
    if (Date.now() + delayMs >= progress.deadline) return false;
    await waitFor(delayMs, signal);
    return true;
  }

  /** One attempt; true if it completed the answer. @throws only if the caller cancelled or the time budget is used up. */
  private async *attempt(
    candidate: ModelCandidate,
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    progress: AnswerProgress,
    runManager?: CallbackManagerForLLMRun,
    gate?: ModelGate,
  ): AsyncGenerator<ChatGenerationChunk, boolean> {
    await takeTurn(candidate, gate, options.signal);
    const startedAt = Date.now();
    const report: ModelAttempt = { model: candidate.name, outcome: "aborted", latencyMs: 0, receivedCharacters: 0 };
    const finish = (outcome: ModelAttempt["outcome"]) => {
      Object.assign(report, { outcome, latencyMs: Date.now() - startedAt });
      progress.attempts.push(report);
      this.options.onAttempt(report);
    };
    let isReported = false;
    try {
      const limits = { ...this.options, timeLeftMs: Math.max(1, progress.deadline - startedAt) };
      const callbacks = attemptCallbacks(runManager, progress.attempts.length + 1);
      const stream = streamAttempt(
        candidate.model,
        continuing(messages, progress.shownText),
        options,
        limits,
        callbacks,
      );
      for await (const chunk of holdBack(joinAfter(progress.shownText, stream), report)) {
        progress.shownText += chunk.text;
        yield chunk;
        await runManager?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, { chunk });
      }
      candidate.breaker?.recordSuccess();
      if (candidate.breaker && gate) await askGate(() => gate.recordSuccess(candidate.name), undefined);
      finish("completed");
      isReported = true;
      yield attemptsChunk(progress.attempts);
      return true;
    } catch (error) {
      isReported = true;
      if (options.signal?.aborted) {
        finish("aborted");
        throw error;
      }
      this.recordFailure(candidate, progress, report, error);
      const { breaker } = candidate;
      if (breaker && gate && report.errorClass !== "final") {
        await askGate(() => gate.recordFailure(candidate.name, breaker), undefined);
      }
      finish("failed");
      if (Date.now() >= progress.deadline) throw new ModelUnavailableError(progress.attempts, error);
      return false;
    } finally {
      if (!isReported) finish("aborted");
    }
  }

  private recordFailure(
    candidate: ModelCandidate,
    progress: AnswerProgress,
    report: ModelAttempt,
    error: unknown,
  ): void {
    progress.lastError = error;
    report.errorClass = error instanceof ModelTimeoutError ? "unknown" : classifyModelError(error);
    report.error = error instanceof Error ? error.message : String(error);
    if (report.errorClass !== "final") candidate.breaker?.recordFailure();
  }
}

/** Those that neither this process nor the others have given up for now. */
async function findPassable(candidates: ModelCandidate[], gate: ModelGate | undefined): Promise<ModelCandidate[]> {
  const passable: ModelCandidate[] = [];
  for (const candidate of candidates) {
    if (candidate.breaker && gate && !(await askGate(() => gate.mayCall(candidate.name), true))) continue;
    if (candidate.breaker?.tryPass() ?? true) passable.push(candidate);
  }
  return passable;
}

/** Under a limit shared by all workers where there is one, else under this process' own. */
async function takeTurn(candidate: ModelCandidate, gate: ModelGate | undefined, signal?: AbortSignal): Promise<void> {
  const { rate, name } = candidate;
  if (rate === undefined) return;
  const isShared = gate !== undefined && Number.isFinite(rate.perMinuteMax);
  const waitMs = isShared ? await askGate(() => gate.takeTurn(name, rate.perMinuteMax), undefined) : undefined;
  if (waitMs === undefined) await rate.take(signal);
  else if (waitMs > 0) await waitFor(waitMs, signal);
}

/** After a broken stream the model sees what was already given, and is asked to go on. */
function continuing(messages: BaseMessage[], shownText: string): BaseMessage[] {
  if (shownText.trim() === "") return messages;
  return [...messages, new AIMessage(shownText), new HumanMessage(continueText)];
}

function attemptsChunk(attempts: ModelAttempt[]): ChatGenerationChunk {
  const message = new AIMessageChunk({ content: "", response_metadata: { attempts: structuredClone(attempts) } });
  return new ChatGenerationChunk({ text: "", message });
}
