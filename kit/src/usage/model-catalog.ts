// A maintained, dated table of models: what their tokens cost and how large their windows are. Loaded when first asked.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

type Table = typeof import("@pydantic/genai-prices");

/** LangChain's names of providers where the table has another. */
const TABLE_PROVIDERS: Record<string, string> = {
  google_genai: "google",
  "google-genai": "google",
  google_vertexai: "google",
  amazon_bedrock: "aws",
  mistralai: "mistral",
};

const require = createRequire(import.meta.url);
let table: Table | undefined;

function loadTable(): Table {
  table ??= require("@pydantic/genai-prices") as Table;
  return table;
}

/** Name and version of the table; it is published anew when prices change. */
export function catalogName(): string {
  const manifest = new URL("../package.json", import.meta.resolve("@pydantic/genai-prices"));
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return `genai-prices ${version}`;
}

/** What the table says of a call, in US dollars; undefined for a model it does not know. */
export function lookUpModel(
  provider: string,
  model: string,
  usage: Parameters<Table["calcPrice"]>[0],
  timestamp = new Date(),
): { cost: number; windowTokens: number | undefined } | undefined {
  try {
    const found = loadTable().calcPrice(usage, model, { providerId: TABLE_PROVIDERS[provider] ?? provider, timestamp });
    return found ? { cost: found.total_price, windowTokens: found.model.context_window } : undefined;
  } catch {
    // The table refuses what it has no unit for; that is as unknown as a model it lacks.
    return undefined;
  }
}
