// Wraps a tool so that it keeps its limits and never takes an agent down: whatever happens, the model gets a result in words.
import { type BaseMessage, ToolMessage } from "@langchain/core/messages";
import type { ToolCall } from "@langchain/core/messages/tool";
import {
  StructuredTool,
  type StructuredToolInterface,
  ToolInputParsingException,
  type ToolRunnableConfig,
} from "@langchain/core/tools";
import { getCurrentTaskInput, isGraphBubbleUp } from "@langchain/langgraph";
import { backoffDelayMs, waitFor } from "../retries/backoff.ts";
import { retryAfterMsOf } from "../retries/error-class.ts";
import { ConcurrencyLimit } from "./concurrency-limit.ts";
import { callsAlike, countFailures, earlierCallInAnswer } from "./loop-breaker.ts";
import { defaultToolLimits, type ToolLimits } from "./tool-limits.ts";
import {
  describeBadArguments,
  describeExclusive,
  describeFailure,
  describeRepetition,
  describeTimeout,
  describeTooManyFailures,
  truncateText,
} from "./tool-words.ts";

/** Ends a try that took too long. */
class ToolTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
    this.name = "TimeoutError";
  }
}

/**
 * Gives a tool limits. The result has the same name, description and schema and goes wherever the tool went: `createAgent`,
 * `ToolNode`, or called by hand with a tool call. An error becomes a tool message with status `error` whose text tells the
 * model what to do next; only a cancelled run and LangGraph's own interrupts are thrown. A `Command` is passed on as it is.
 * Called by hand with plain arguments instead of a tool call, it throws what the tool throws, after the same retries.
 */
export function guardTool(tool: StructuredToolInterface, limits: ToolLimits = {}): GuardedTool {
  return new GuardedTool(tool, { ...defaultToolLimits, ...limits });
}

/** A tool with limits; made by {@link guardTool}. */
export class GuardedTool extends StructuredTool {
  name: string;
  description: string;
  schema: StructuredToolInterface["schema"];
  private readonly inner: StructuredToolInterface;
  private readonly limits: Required<ToolLimits>;
  private readonly concurrency: ConcurrencyLimit;

  constructor(inner: StructuredToolInterface, limits: Required<ToolLimits>) {
    super({ extras: inner.extras });
    this.returnDirect = inner.returnDirect;
    this.name = inner.name;
    this.description = inner.description;
    this.schema = inner.schema;
    this.inner = inner;
    this.limits = limits;
    this.concurrency = new ConcurrencyLimit(limits.concurrentCallsMax);
  }

  static override lc_name(): string {
    return "GuardedTool";
  }

  protected override _call(): never {
    throw new Error("A guarded tool runs through invoke.");
  }

  // biome-ignore lint/suspicious/noExplicitAny: the base class types input and output by the schema, which is not known here
  override async invoke(input: any, config?: any): Promise<any> {
    const settings = (config ?? {}) as ToolRunnableConfig;
    if (!isToolCall(input)) return this.runByHand(input, settings);
    const refusal = this.refuse(input, settings);
    if (refusal) return this.errorMessage(input, refusal);
    try {
      const output = await this.concurrency.run(() => this.runWithRetries(input, settings), settings.signal);
      return this.limitOutput(output);
    } catch (error) {
      if (isGraphBubbleUp(error) || settings.signal?.aborted) throw error;
      return this.errorMessage(input, await this.describe(error, input));
    }
  }

  private async runByHand(args: unknown, config: ToolRunnableConfig): Promise<unknown> {
    try {
      return await this.concurrency.run(() => this.runWithRetries(args, config), config.signal);
    } catch (error) {
      throw error instanceof FailedTries ? error.cause : error;
    }
  }

  private refuse(call: ToolCall, config: ToolRunnableConfig): string | undefined {
    const messages = messagesOf(config);
    const earlier = this.limits.isExclusive ? earlierCallInAnswer(messages, call) : undefined;
    if (earlier) return describeExclusive(this.name, callsAlike(earlier, call));
    const { sameCallCount, allCount } = countFailures(messages, call);
    if (allCount >= this.limits.failuresPerTurnMax) return describeTooManyFailures(this.name, allCount);
    if (sameCallCount >= this.limits.sameFailuresMax) return describeRepetition(this.name, sameCallCount);
    return undefined;
  }

  private async runWithRetries(input: unknown, config: ToolRunnableConfig): Promise<unknown> {
    for (let retry = 0; ; retry++) {
      try {
        return await this.runOnce(input, config);
      } catch (error) {
        if (isGraphBubbleUp(error) || config.signal?.aborted) throw error;
        if (retry >= this.limits.retriesMax || !this.mayRetry(error)) throw new FailedTries(error, retry + 1);
        await waitFor(backoffDelayMs(retry + 1, this.limits.backoff, retryAfterMsOf(error)), config.signal);
      }
    }
  }

  private mayRetry(error: unknown): boolean {
    if (error instanceof ToolInputParsingException) return false;
    const errorClass = this.limits.classifyError(error);
    return errorClass === "not_done" || (errorClass === "unknown" && this.limits.isIdempotent);
  }

  /** A tool that does not look at its signal is left behind when its time is over; what it says later is ignored. */
  private async runOnce(input: unknown, config: ToolRunnableConfig): Promise<unknown> {
    const stop = new AbortController();
    const signal = config.signal ? AbortSignal.any([config.signal, stop.signal]) : stop.signal;
    const { timeoutMs } = this.limits;
    const timer = setTimeout(() => stop.abort(new ToolTimeout(timeoutMs)), timeoutMs);
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    try {
      signal.throwIfAborted();
      return await Promise.race([this.inner.invoke(input as never, { ...config, signal }), stopped]);
    } catch (error) {
      // A tool that ends early because of the signal reports an AbortError of its own; the reason says more.
      throw stop.signal.aborted ? stop.signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  }

  private async describe(error: unknown, call: ToolCall): Promise<string> {
    const { cause, triesCount } = error instanceof FailedTries ? error : { cause: error, triesCount: 1 };
    if (cause instanceof ToolInputParsingException)
      return describeBadArguments(this.name, this.schema, call.args, cause);
    if (cause instanceof ToolTimeout)
      return describeTimeout(this.name, this.limits.timeoutMs, this.limits.isIdempotent);
    const isOutcomeUnknown = !this.limits.isIdempotent && this.limits.classifyError(cause) === "unknown";
    return describeFailure(this.name, cause, triesCount, isOutcomeUnknown);
  }

  private errorMessage(call: ToolCall, content: string): ToolMessage {
    return new ToolMessage({ name: this.name, tool_call_id: call.id ?? "", content, status: "error" });
  }

  private limitOutput(output: unknown): unknown {
    if (!ToolMessage.isInstance(output)) return output;
    const { outputCharactersMax } = this.limits;
    if (typeof output.content === "string") {
      output.content = truncateText(output.content, outputCharactersMax);
    } else {
      let left = outputCharactersMax;
      output.content = output.content.map((block) => {
        if (block.type !== "text" || typeof block.text !== "string") return block;
        const text = truncateText(block.text, left);
        left = Math.max(0, left - block.text.length);
        return { ...block, text };
      });
    }
    return output;
  }
}

/** Carries how many tries were made beside the error of the last one. */
class FailedTries extends Error {
  readonly triesCount: number;
  override readonly cause: unknown;

  constructor(cause: unknown, triesCount: number) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.name = "FailedTries";
    this.cause = cause;
    this.triesCount = triesCount;
  }
}

function isToolCall(input: unknown): input is ToolCall {
  return Boolean(input) && typeof input === "object" && (input as { type?: unknown }).type === "tool_call";
}

/** The messages of the graph's state, if the tool runs inside a graph. */
function messagesOf(config: ToolRunnableConfig): BaseMessage[] {
  const { state } = config as { state?: unknown };
  const found = state ?? currentTaskInput(config);
  if (Array.isArray(found)) return found;
  const { messages } = (found ?? {}) as { messages?: unknown };
  return Array.isArray(messages) ? messages : [];
}

function currentTaskInput(config: ToolRunnableConfig): unknown {
  try {
    return getCurrentTaskInput(config);
  } catch {
    return undefined;
  }
}
