// One call of a model while it is being made: what of its answer has arrived, and what it comes to when it ends.
import { estimateTextTokens } from "@holdfast/kit/token-estimate";
import type { ModelCall, ModelCallEnd } from "../../domain/ports/model-accounts.ts";
import { NO_USAGE, type TokenUsage } from "../../domain/usage.ts";
import { addUsage, fromMetadata, type ModelOutput, reportedUsage } from "./reported-usage.ts";

/** Longest error text that is kept. */
const ERROR_CHARS_MAX = 500;

/** A piece of an answer, of any copy of LangChain. */
export interface AnswerChunk {
  message?: {
    id?: string;
    content?: unknown;
    tool_call_chunks?: { name?: string; args?: string }[];
    usage_metadata?: Parameters<typeof fromMetadata>[0];
  };
}

export class OpenCall {
  readonly call: ModelCall;
  readonly #startedAt = performance.now();
  #firstTokenMs: number | null = null;
  /** Texts of the answer by kind; each is counted by itself. */
  readonly #texts = new Map<string, string>();
  #reported: TokenUsage = NO_USAGE;
  #providerCallId: string | null = null;

  constructor(call: ModelCall) {
    this.call = call;
  }

  addChunk(token: string, chunk: AnswerChunk | undefined): void {
    this.#firstTokenMs ??= Math.round(performance.now() - this.#startedAt);
    const message = chunk?.message;
    this.#noteId(message?.id);
    this.#addContent(message?.content ?? token);
    for (const { name, args } of message?.tool_call_chunks ?? []) {
      this.#addText(`name ${this.#texts.size}`, name ?? "");
      this.#addText("args", args ?? "");
    }
    if (message?.usage_metadata) this.#reported = addUsage(this.#reported, fromMetadata(message.usage_metadata));
  }

  /** The provider told what it used; otherwise it is estimated. */
  complete(output: ModelOutput): ModelCallEnd {
    const usage = reportedUsage(output);
    this.#noteId(output.generations?.[0]?.[0]?.message?.id);
    if (usage !== undefined) return this.#end("completed", usage, false, null);
    if (this.#texts.size === 0) {
      const generation = output.generations?.[0]?.[0];
      this.#addContent(generation?.message?.content ?? generation?.text ?? "");
    }
    return this.#end("completed", this.#estimate(), true, null);
  }

  /**
   * A call that was refused with an HTTP status cost nothing. One that broke off costs its prompt and what it had answered until then.
   * Of one that was cancelled before it answered nobody knows; its prompt is counted, as providers do once they have begun.
   */
  breakOff(outcome: "failed" | "aborted", error: unknown): ModelCallEnd {
    const text = describe(error);
    if (this.#firstTokenMs !== null) return this.#end(outcome, this.#estimate(), true, text);
    if (statusOf(error) !== undefined) return this.#end(outcome, NO_USAGE, false, text);
    const usage = outcome === "aborted" ? { ...NO_USAGE, inputTokens: this.call.inputTokens } : NO_USAGE;
    return this.#end(outcome, usage, true, text);
  }

  #end(outcome: ModelCallEnd["outcome"], usage: TokenUsage, isEstimated: boolean, error: string | null): ModelCallEnd {
    const latencyMs = Math.round(performance.now() - this.#startedAt);
    return {
      ...usage,
      outcome,
      isEstimated,
      error,
      latencyMs,
      firstTokenMs: this.#firstTokenMs,
      providerCallId: this.#providerCallId,
    };
  }

  /** Input as far as it was told, else as estimated before the call; output by what arrived. */
  #estimate(): TokenUsage {
    let outputTokens = 0;
    for (const text of this.#texts.values()) outputTokens += estimateTextTokens(text);
    const reported = this.#reported;
    return {
      ...reported,
      inputTokens: reported.inputTokens > 0 ? reported.inputTokens : this.call.inputTokens,
      outputTokens: Math.max(outputTokens, reported.outputTokens),
      reasoningTokens: Math.max(estimateTextTokens(this.#texts.get("reasoning") ?? ""), reported.reasoningTokens),
    };
  }

  /** Where the provider gives none, LangChain makes one up from its own run's. */
  #noteId(id: string | undefined): void {
    if (typeof id === "string" && id !== "" && !/^run-/.test(id)) this.#providerCallId ??= id;
  }

  #addContent(content: unknown): void {
    const blocks = typeof content === "string" ? [{ text: content }] : content;
    if (!Array.isArray(blocks)) return;
    for (const block of blocks as Record<string, unknown>[]) {
      if (typeof block?.text === "string") this.#addText("text", block.text);
      for (const key of ["thinking", "reasoning"]) {
        if (typeof block?.[key] === "string") this.#addText("reasoning", block[key]);
      }
    }
  }

  #addText(kind: string, text: string): void {
    if (text !== "") this.#texts.set(kind, (this.#texts.get(kind) ?? "") + text);
  }
}

/** The HTTP status of a provider's refusal, in the places where client libraries keep it. */
function statusOf(error: unknown): number | undefined {
  const { status, status_code, response } = (error ?? {}) as Record<string, unknown> & {
    response?: { status?: unknown };
  };
  return [status, status_code, response?.status].find(
    (each): each is number => typeof each === "number" && each >= 400,
  );
}

/** Name and first line: bodies of providers' errors may quote the prompt. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return (text.split("\n")[0] ?? "").slice(0, ERROR_CHARS_MAX);
}
