// Has a model summarise the oldest part of a conversation, on top of the summary that is there.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { isAi } from "./message-kinds.ts";
import { estimateTextTokens } from "./token-estimate.ts";

/** How to summarise. */
export interface SummarizeOptions {
  /** Longest summary, in characters; a longer one is cut off. @default 6,000 */
  summaryCharactersMax?: number;
  /** Most tokens given to the model at once, estimated; more is summarised in several steps. @default 24,000 */
  inputTokensMax?: number;
  /** Config of the calling node, for callbacks and cancellation. */
  config?: RunnableConfig;
}

const stepsMax = 20;
const messageCharactersMax = 8_000;

const instructions = `You keep the summary of a conversation between a user and an assistant, so that the assistant can go on without the older messages.
Write the new summary from the old summary and the further messages. Keep every fact that may matter later: names, numbers, dates, ids, addresses, decisions, what the user asked for and prefers, what was promised, what is still open, and what tools reported.
Leave out greetings and repetitions. Write plain sentences, no headings. Do not answer the messages.`;

/**
 * Summarises messages, in several steps if there are many.
 * @param previous the summary to go on from.
 * @throws what the model throws; nothing is lost then, as the messages are still there.
 */
export async function summarizeMessages(
  model: BaseChatModel,
  messages: BaseMessage[],
  previous: string | undefined,
  options: SummarizeOptions = {},
): Promise<string> {
  const { summaryCharactersMax = 6_000, inputTokensMax = 24_000, config } = options;
  let summary = previous;
  const parts = splitByTokens(messages.map(describeMessage), inputTokensMax);
  if (parts.length > stepsMax)
    throw new Error(`More than ${stepsMax} steps are needed to summarise this conversation at once.`);
  for (const part of parts) {
    const prompt = [
      new SystemMessage(instructions),
      new HumanMessage(`Old summary:\n${summary ?? "(none)"}\n\nFurther messages:\n${part.join("\n")}`),
    ];
    // "nostream" keeps the summary out of the token stream that a client sees.
    const answer = await model.invoke(prompt, {
      ...config,
      tags: [...(config?.tags ?? []), "nostream", "holdfast:summary"],
    });
    summary = answer.text.slice(0, summaryCharactersMax);
  }
  return summary ?? "";
}

function describeMessage(message: BaseMessage): string {
  const speaker =
    { human: "User", ai: "Assistant", tool: `Tool ${message.name ?? ""}`.trim() }[message.type as string] ??
    message.type;
  const calls = isAi(message) ? (message.tool_calls ?? []) : [];
  const called = calls.map((call) => ` [calls ${call.name} ${JSON.stringify(call.args)}]`).join("");
  return `${speaker}: ${message.text.slice(0, messageCharactersMax)}${called}`;
}

function splitByTokens(lines: string[], tokensMax: number): string[][] {
  const parts: string[][] = [];
  let tokens = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    const cost = estimateTextTokens(line);
    if (tokens + cost > tokensMax) {
      parts.push([]);
      tokens = 0;
    }
    parts.at(-1)!.push(line);
    tokens += cost;
  }
  return parts;
}
