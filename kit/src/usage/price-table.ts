// What tokens cost: prices of one's own first, then a maintained, dated table; a model in neither has no price.
import { catalogName, lookUpModel } from "./model-catalog.ts";

/** Tokens of one call. */
export interface PricedTokens {
  /** All input, cached reads and cache writes included. */
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  /** All output, reasoning included. */
  outputTokens: number;
}

/** Prices of one model in US dollars per million tokens. */
export interface ModelPrice {
  input: number;
  /** @default the price of input */
  cachedInput?: number;
  /** @default the price of input */
  cacheWrite?: number;
  output: number;
}

/** What a call costs, in US dollars, and where the price is from. */
export interface PricedUsage {
  cost: number;
  source: string;
}

/** Models that run on the deployment's own machines: no provider sends a bill. */
const LOCAL_PROVIDERS: ReadonlySet<string> = new Set(["ollama", "holdfast"]);

const TOKENS_PER_PRICE = 1_000_000;

/** Prices of models. */
export class PriceTable {
  readonly #own: Readonly<Record<string, ModelPrice>>;
  readonly #catalogName = catalogName();

  /** @param own prices by `provider:model` or by the model's name alone; they win over the table's */
  constructor(own: Readonly<Record<string, ModelPrice>> = {}) {
    this.#own = own;
  }

  /**
   * The price of a call at that time; undefined where nobody knows it, and never a guess.
   * @param provider LangChain's name of the provider, such as `openai`
   */
  price(provider: string | null, model: string, usage: PricedTokens, at: Date = new Date()): PricedUsage | undefined {
    const own = this.#own[`${provider}:${model}`] ?? this.#own[model];
    if (own !== undefined) return { cost: costAt(own, usage), source: "own prices" };
    if (provider === null) return undefined;
    if (LOCAL_PROVIDERS.has(provider)) return { cost: 0, source: "local model" };
    const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = usage;
    const tokens = {
      input_tokens: inputTokens,
      cache_read_tokens: Math.min(cachedInputTokens, inputTokens),
      cache_write_tokens: Math.min(cacheWriteTokens, Math.max(0, inputTokens - cachedInputTokens)),
      output_tokens: outputTokens,
    };
    const found = lookUpModel(provider, model, tokens, at);
    return found && { cost: found.cost, source: this.#catalogName };
  }
}

function costAt(price: ModelPrice, usage: PricedTokens): number {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = usage;
  const plainTokens = Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens);
  const dollars =
    plainTokens * price.input +
    cachedInputTokens * (price.cachedInput ?? price.input) +
    cacheWriteTokens * (price.cacheWrite ?? price.input) +
    outputTokens * price.output;
  return dollars / TOKENS_PER_PRICE;
}
