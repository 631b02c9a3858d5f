// What a stub answers when nothing is scripted: always the same for the same request.
import { type Conversation, type JsonSchema, latestUserText } from "./conversation.ts";
import type { StubReply } from "./reply.ts";

const sampleDepthMax = 8;

/**
 * The rules, in this order:
 * 1. A tool that the client insists on is called, with arguments made from its schema.
 * 2. After tool results: `The tools answered: …`.
 * 3. `call NAME {json}` or `use NAME` in the newest user message calls that tool, several times if several are named.
 * 4. A wanted JSON schema is filled with sample values.
 * 5. Otherwise: `Stub answer to: …` and the newest user message.
 */
export function defaultReply(conversation: Conversation): StubReply {
  const { tools, toolChoice, messages } = conversation;
  if (toolChoice !== "auto" && toolChoice !== "none" && tools.length > 0) {
    const tool = toolChoice === "any" ? tools[0]! : tools.find((candidate) => candidate.name === toolChoice.name)!;
    return { toolCalls: [{ name: tool.name, args: sampleOf(tool.parameters) }] };
  }
  const results = messages.slice(messages.findLastIndex((message) => message.role !== "tool") + 1);
  if (results.length > 0) return { text: `The tools answered: ${results.map((result) => result.text).join("; ")}` };
  const toolCalls = toolChoice === "none" ? [] : namedCalls(conversation);
  if (toolCalls.length > 0) return { toolCalls };
  if (conversation.responseSchema) return { text: JSON.stringify(sampleOf(conversation.responseSchema)) };
  const text = `Stub answer to: ${latestUserText(conversation)}`;
  return { text: conversation.wantsJson ? JSON.stringify({ answer: text }) : text };
}

function namedCalls(conversation: Conversation): { name: string; args: unknown }[] {
  const text = latestUserText(conversation);
  return [...text.matchAll(/\b(?:call|use) ([\w-]+)\s*(\{[^}]*\})?/g)].flatMap((match) => {
    const tool = conversation.tools.find((candidate) => candidate.name === match[1]);
    return tool ? [{ name: tool.name, args: match[2] ?? sampleOf(tool.parameters) }] : [];
  });
}

/** A value that satisfies the commonest kinds of JSON schema. */
export function sampleOf(schema: JsonSchema, depth = 0): unknown {
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const alternatives = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (alternatives?.[0] && depth < sampleDepthMax) return sampleOf(alternatives[0], depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "object": {
      const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
      if (depth >= sampleDepthMax) return {};
      return Object.fromEntries(properties.map(([name, property]) => [name, sampleOf(property, depth + 1)]));
    }
    case "array":
      return schema.items && depth < sampleDepthMax ? [sampleOf(schema.items as JsonSchema, depth + 1)] : [];
    case "integer":
    case "number":
      return typeof schema.minimum === "number" ? schema.minimum : 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return "sample";
  }
}
