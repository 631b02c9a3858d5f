// One call of one model as a stream, with a limit on the first piece and on each pause, cancelled down to the socket.
import type { Callbacks } from "@langchain/core/callbacks/manager";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { AIMessageChunk, BaseMessage } from "@langchain/core/messages";

/** Time limits of one call. */
export interface AttemptLimits {
  firstChunkTimeoutMs: number;
  idleTimeoutMs: number;
  /** Time left for the whole answer, in milliseconds. */
  timeLeftMs: number;
}

/** A call took too long. */
export class ModelTimeoutError extends Error {
  /** Stable, machine-readable reason. */
  readonly code = "model_timeout";

  constructor(message: string) {
    super(message);
    this.name = "TimeoutError";
  }
}

/**
 * Streams a model's answer.
 * @param options call options for the model: tools, tool choice and whatever else it understands.
 * @param callbacks whom the call is told to besides its caller; nobody else.
 * @throws ModelTimeoutError, the caller's abort reason, or what the model throws; also if the stream ends without its proper end.
 */
export async function* streamAttempt(
  model: BaseChatModel,
  messages: BaseMessage[],
  options: Record<string, unknown> & { signal?: AbortSignal },
  limits: AttemptLimits,
  callbacks: Callbacks = [],
): AsyncGenerator<AIMessageChunk> {
  const { signal: callerSignal, tools, ...rest } = options;
  const stop = new AbortController();
  const signal = callerSignal ? AbortSignal.any([callerSignal, stop.signal]) : stop.signal;
  const overall = setTimeout(
    () => stop.abort(new ModelTimeoutError("the answer took longer than its time budget")),
    limits.timeLeftMs,
  );
  const bound = Array.isArray(tools) && tools.length > 0 ? model.bindTools!(tools, rest) : model.withConfig(rest);
  let iterator: AsyncIterator<unknown> | undefined;
  let hasEnded = false;
  try {
    const open = async () => {
      const stream = await bound.stream(messages, { signal, callbacks });
      iterator = stream[Symbol.asyncIterator]();
      return iterator.next();
    };
    let next = await withLimit(
      open(),
      limits.firstChunkTimeoutMs,
      stop,
      signal,
      "no first piece of an answer came in time",
    );
    while (!next.done) {
      const chunk = next.value as AIMessageChunk;
      hasEnded ||= isEnding(chunk);
      yield chunk;
      next = await withLimit(iterator!.next(), limits.idleTimeoutMs, stop, signal, "the answer stalled");
    }
    signal.throwIfAborted();
    if (!hasEnded) throw new Error("the stream ended before the answer was complete");
  } finally {
    clearTimeout(overall);
    // Whoever leaves early, by error or by choice, leaves no request running; one that has ended is not touched.
    stop.abort(new ModelTimeoutError("the call is over"));
    await iterator?.return?.(undefined).catch(() => undefined);
  }
}

/** Waits for a step of the stream; when its time is over the whole call is cancelled. */
async function withLimit<Value>(
  step: Promise<Value>,
  limitMs: number,
  stop: AbortController,
  signal: AbortSignal,
  complaint: string,
): Promise<Value> {
  const timer = setTimeout(() => stop.abort(new ModelTimeoutError(`${complaint} (${limitMs} ms)`)), limitMs);
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  step.catch(() => undefined);
  try {
    return await Promise.race([step, aborted]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Every provider marks the last piece: OpenAI by finish_reason or a status, Anthropic by stop_reason, Ollama by done_reason. */
function isEnding(chunk: AIMessageChunk): boolean {
  const said = { ...chunk.additional_kwargs, ...chunk.response_metadata } as Record<string, unknown>;
  const status = said.status;
  return Boolean(
    said.finish_reason || said.stop_reason || said.done_reason || status === "completed" || status === "incomplete",
  );
}
