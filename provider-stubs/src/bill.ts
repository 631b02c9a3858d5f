// What a provider would charge: tokens of every call that reached generation, whatever became of the answer.

/** Tokens of one call or of many. */
export interface BilledTokens {
  /** All input tokens, cached reads and cache writes included. */
  inputTokens: number;
  /** Input tokens read from the prompt cache. */
  cachedInputTokens: number;
  /** Input tokens written to the prompt cache (Anthropic). */
  cacheWriteTokens: number;
  /** All output tokens, reasoning included. */
  outputTokens: number;
  /** Output tokens spent on reasoning. */
  reasoningTokens: number;
}

/** How a billed call ended: `aborted` by the client, `failed` by a fault, or `completed`. */
export type BilledOutcome = "completed" | "aborted" | "failed";

/** One line of the bill. */
export interface BillEntry extends BilledTokens {
  callId: string;
  model: string;
  outcome: BilledOutcome;
}

/** Nothing consumed yet. */
export function noTokens(): BilledTokens {
  return { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
}

/**
 * The stub's bill. A call refused before generation (401, 404, 400, 429, 500, 529, dropped or hanging before any answer) costs
 * nothing and has no entry. A call that began to generate costs its whole input and the output tokens generated until it
 * completed, failed or was aborted, whether or not the client saw them.
 */
export class Bill {
  /** All lines, in the order in which the calls ended. */
  readonly entries: BillEntry[] = [];

  /** Adds a line. */
  record(entry: BillEntry): void {
    this.entries.push(entry);
  }

  /** The sum over all lines, or over one model's. */
  total(model?: string): BilledTokens {
    const sum = noTokens();
    for (const entry of this.entries) {
      if (model !== undefined && entry.model !== model) continue;
      for (const key of Object.keys(sum) as (keyof BilledTokens)[]) sum[key] += entry[key];
    }
    return sum;
  }

  /** The sums per model. */
  byModel(): Map<string, BilledTokens> {
    const models = new Set(this.entries.map((entry) => entry.model));
    return new Map([...models].map((model) => [model, this.total(model)]));
  }
}
