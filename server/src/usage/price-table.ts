// What tokens cost: the project file's own prices first, then a maintained, dated table; a model in neither has no price.
import { readFile } from "node:fs/promises";
import type { TokenUsage } from "../domain/usage.ts";

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
const LOCAL_PROVIDERS: ReadonlySet<string> = new Set(["ollama", "demo"]);

const TOKENS_PER_PRICE = 1_000_000;

/** LangChain's names of providers where the table has another. */
const TABLE_PROVIDERS: Record<string, string> = {
  google_genai: "google",
  "google-genai": "google",
  google_vertexai: "google",
  amazon_bedrock: "aws",
  mistralai: "mistral",
  azure: "azure",
};

type Table = typeof import("@pydantic/genai-prices");

export class PriceTable {
  readonly #own: Readonly<Record<string, ModelPrice>>;
  readonly #table: Table;
  readonly #tableName: string;

  private constructor(own: Readonly<Record<string, ModelPrice>>, table: Table, tableName: string) {
    this.#own = own;
    this.#table = table;
    this.#tableName = tableName;
  }

  /** @param own prices by `provider:model` or by the model's name alone */
  static async load(own: Readonly<Record<string, ModelPrice>> = {}): Promise<PriceTable> {
    // Some megabytes of prices: loaded only by processes that price calls.
    const table = await import("@pydantic/genai-prices");
    return new PriceTable(own, table, `genai-prices ${await readTableVersion()}`);
  }

  /**
   * The price of a call at that time; undefined where nobody knows it.
   * @param provider LangChain's name of the provider, such as `openai`
   */
  price(provider: string | null, model: string, usage: TokenUsage, at: Date = new Date()): PricedUsage | undefined {
    const own = this.#own[`${provider}:${model}`] ?? this.#own[model];
    if (own !== undefined) return { cost: costAt(own, usage), source: "project file" };
    if (provider === null) return undefined;
    if (LOCAL_PROVIDERS.has(provider)) return { cost: 0, source: "local model" };
    const cost = this.#look(TABLE_PROVIDERS[provider] ?? provider, model, usage, at);
    return cost === undefined ? undefined : { cost, source: this.#tableName };
  }

  #look(providerId: string, model: string, usage: TokenUsage, timestamp: Date): number | undefined {
    const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = usage;
    try {
      const found = this.#table.calcPrice(
        {
          input_tokens: inputTokens,
          cache_read_tokens: Math.min(cachedInputTokens, inputTokens),
          cache_write_tokens: Math.min(cacheWriteTokens, Math.max(0, inputTokens - cachedInputTokens)),
          output_tokens: outputTokens,
        },
        model,
        { providerId, timestamp },
      );
      return found?.total_price;
    } catch {
      // The table refuses what it has no unit for; that price is as unknown as one it lacks.
      return undefined;
    }
  }
}

/** The table's date, in a way: it is published anew when prices change. */
async function readTableVersion(): Promise<string> {
  const manifest = new URL("../package.json", import.meta.resolve("@pydantic/genai-prices"));
  return (JSON.parse(await readFile(manifest, "utf8")) as { version: string }).version;
}

function costAt(price: ModelPrice, usage: TokenUsage): number {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = usage;
  const plainTokens = Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens);
  const dollars =
    plainTokens * price.input +
    cachedInputTokens * (price.cachedInput ?? price.input) +
    cacheWriteTokens * (price.cacheWrite ?? price.input) +
    outputTokens * price.output;
  return dollars / TOKENS_PER_PRICE;
}
