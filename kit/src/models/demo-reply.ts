// Decides what the demo model answers to a conversation: a pure function of messages, tools and tool choice.
import type { ToolChoice } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { fillArguments } from "./demo-arguments.ts";
import { findIntendedCalls, type IntendedCall } from "./demo-intents.ts";
import type { DemoTool } from "./demo-tool.ts";

/** What the demo model decided to say or to do. */
export interface DemoReply {
  text: string;
  toolCalls: IntendedCall[];
}

const quotedLengthMax = 300;
const resultLengthMax = 2_000;

/** The demo model's introduction of itself. */
export const demoIntroduction =
  "I am Holdfast's demo model: not an AI but a set of plain rules that answers offline, always the same way. " +
  "Set MODEL to openai:…, anthropic:… or ollama:… to talk to a real model.";

/** The reply to a conversation. The same input always gives the same reply. */
export function decideReply(messages: BaseMessage[], tools: DemoTool[], toolChoice?: ToolChoice): DemoReply {
  const forced = forcedTool(tools, toolChoice);
  const results = latestToolResults(messages);
  const text = latestUserText(messages);
  if (results.length > 0 && !forced && toolChoice !== "any" && toolChoice !== "required") {
    return { text: describeResults(results), toolCalls: [] };
  }
  if (forced) return { text: "", toolCalls: [{ name: forced.name, args: fillArguments(forced, text) }] };
  if (tools.length > 0 && toolChoice !== "none") {
    const intended = results.length > 0 ? [] : findIntendedCalls(text, tools);
    if (intended.length > 0) return { text: "", toolCalls: intended };
    if (toolChoice === "any" || toolChoice === "required") {
      // LangChain puts the tools that carry a structured answer last, and a model that must call something ends with those.
      const last = tools.at(-1)!;
      return { text: "", toolCalls: [{ name: last.name, args: fillArguments(last, text) }] };
    }
  }
  return { text: answerInWords(messages, text, tools), toolCalls: [] };
}

function forcedTool(tools: DemoTool[], toolChoice?: ToolChoice): DemoTool | undefined {
  const name =
    typeof toolChoice === "string"
      ? toolChoice
      : ((toolChoice?.name ?? toolChoice?.function?.name) as string | undefined);
  return tools.find((tool) => tool.name === name);
}

/** Results that no model answer has followed yet. */
function latestToolResults(messages: BaseMessage[]): ToolMessage[] {
  const results: ToolMessage[] = [];
  for (const message of [...messages].reverse()) {
    if (!ToolMessage.isInstance(message)) break;
    results.unshift(message);
  }
  return results;
}

function latestUserText(messages: BaseMessage[]): string {
  return (
    [...messages]
      .reverse()
      .find((message) => HumanMessage.isInstance(message))
      ?.text.trim() ?? ""
  );
}

function describeResults(results: ToolMessage[]): string {
  return results
    .map((result) => {
      const text = shorten(result.text.trim() || "nothing", resultLengthMax);
      const name = result.name ? `\`${result.name}\`` : "The tool";
      return result.status === "error" ? `${name} failed: ${text}` : `${name} says: ${text}`;
    })
    .join("\n");
}

function answerInWords(messages: BaseMessage[], text: string, tools: DemoTool[]): string {
  const wanted = requiredPhrases(messages);
  if (wanted.length > 0) return answerWithPhrases(wanted);
  if (!text) return demoIntroduction;
  if (/\b(who|what) are you\b|\bare you (an? )?(ai|real|human|bot|model)\b|\b(which|what) model\b/i.test(text))
    return demoIntroduction;
  if (/^(hi|hello|hey|good (morning|afternoon|evening))\b/i.test(text))
    return `Hello! ${demoIntroduction}${offer(tools)}`;
  if (/^(thanks|thank you)\b/i.test(text)) return "You are welcome.";
  const turn = messages.filter((message) => HumanMessage.isInstance(message)).length;
  return `This is message ${turn} of our conversation. You said: "${shorten(text, quotedLengthMax)}". No rule of mine matches it, so I only repeat it.${offer(tools)}`;
}

/**
 * An instruction such as `must contain "Ref T-17"` is the one kind the demo model can follow, so that a graph's correction
 * loop can be tried offline.
 */
function requiredPhrases(messages: BaseMessage[]): string[] {
  const lastAnswerAt = messages.findLastIndex((message) => AIMessage.isInstance(message));
  const current = messages.filter((message, index) => SystemMessage.isInstance(message) || index > lastAnswerAt);
  return current.flatMap((message) =>
    [...message.text.matchAll(/must contain "([^"]+)"/gi)].map((match) => match[1] ?? ""),
  );
}

function answerWithPhrases(phrases: string[]): string {
  return ["This is the demo model's answer, made of what was asked for:", ...new Set(phrases)].join("\n");
}

function offer(tools: DemoTool[]): string {
  if (tools.length === 0) return "";
  const names = tools.map((tool) => `\`${tool.name}\``).join(", ");
  return ` I can call ${names}: try "What time is it in Tokyo?", "What is 12.5 % of 80?", "Note: buy milk", "Show my notes" or "use TOOL …".`;
}

function shorten(text: string, lengthMax: number): string {
  return text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;
}
