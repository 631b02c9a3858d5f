// What a long conversation costs in tokens: with its full history, with trimming, and with the kit's context window; and what of the
// facts that were told is still before the model's eyes when they are asked for.
import { writeChart } from "../charts/write-chart.ts";
import { printTable, writeResult } from "../harness/result.ts";
import type { ProgramOptions } from "../programs/program-options.ts";
import { makeConversation } from "./conversation.ts";
import { converse, PROVIDERS, type TokenResult, WAYS } from "./converse.ts";

const TURNS_PER_BLOCK = 10;

/** `--turns 100 --tokens 2000` */
export async function tokens(options: ProgramOptions): Promise<void> {
  const turnCount = options.number("turns", 100);
  const tokensMax = options.number("tokens", 2_000);
  const turns = makeConversation(turnCount);
  const results: TokenResult[] = [];
  for (const provider of PROVIDERS) {
    for (const way of WAYS) results.push(await converse(way, provider, turns, tokensMax));
  }
  const naiveOf = (provider: string) => results.find((one) => one.provider === provider && one.way === "full history")!;
  const rows = results.map((result) => ({
    provider: result.provider,
    way: result.way,
    "input tokens": result.inputTokens,
    "of full history": percent(result.inputTokens / naiveOf(result.provider).inputTokens),
    "facts present": percent(result.factShare),
    "cached share": percent(result.cachedShare),
    "tokens a turn, 21st to 30th": meanOf(result, 20),
    "last ten": meanOf(result, turnCount - TURNS_PER_BLOCK),
  }));
  printTable(`${turnCount} turns, ${turns.filter(({ asksFor }) => asksFor).length} questions for planted facts`, rows);
  for (const { way, provider, missedFacts } of results) {
    if (way === "kit" && missedFacts.length > 0) console.log(`${provider}, not seen: ${missedFacts.join(", ")}`);
  }
  const blocks = Array.from({ length: Math.floor(turnCount / TURNS_PER_BLOCK) }, (_, block) => block);
  const date = new Date().toISOString();
  await writeResult("tokens", { date, turnCount, tokensMax, rows, results });
  await writeChart("tokens", {
    title: "Input tokens of each turn of a support conversation (OpenAI wire format)",
    subtitle: `${turnCount} turns, budget ${tokensMax} tokens, counted by the wire-format server, ${date.slice(0, 10)}`,
    panels: [
      {
        kind: "lines",
        title: "input tokens, means of ten turns",
        xLabel: "turn",
        yLabel: "tokens",
        x: blocks.map((block) => (block + 1) * TURNS_PER_BLOCK),
        series: results
          .filter(({ provider }) => provider === "openai")
          .map((result) => ({
            name: result.way,
            values: blocks.map((block) => meanOf(result, block * TURNS_PER_BLOCK)),
          })),
      },
    ],
  });
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Mean input tokens of ten turns from `from` on. */
function meanOf({ inputTokensByTurn }: TokenResult, from: number): number {
  const block = inputTokensByTurn.slice(from, from + TURNS_PER_BLOCK);
  return Math.round(block.reduce((sum, each) => sum + each, 0) / Math.max(1, block.length));
}
