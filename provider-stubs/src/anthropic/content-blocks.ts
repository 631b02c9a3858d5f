// The content blocks that Anthropic's messages are made of.
import { z } from "zod";

const cacheControl = z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() }).nullish();
/** The field that marks the end of a cached prefix. */
export const cached = { cache_control: cacheControl };
/** A block of text. */
export const textBlock = z.strictObject({
  type: z.literal("text"),
  text: z.string(),
  citations: z.unknown().optional(),
  ...cached,
});
const mediaBlock = z.looseObject({ type: z.enum(["image", "document", "search_result"]), ...cached });
const toolId = z.string().regex(/^[a-zA-Z0-9_-]+$/);
const toolUseBlock = z.strictObject({
  type: z.literal("tool_use"),
  id: toolId,
  name: z.string().min(1).max(200),
  input: z.record(z.string(), z.unknown()),
  ...cached,
});
/** A tool's result, in a user message. */
export const toolResultBlock = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: toolId,
  content: z.union([z.string(), z.array(z.discriminatedUnion("type", [textBlock, mediaBlock]))]).optional(),
  is_error: z.boolean().optional(),
  ...cached,
});
const thinkingBlock = z.strictObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string() });
const redactedBlock = z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() });
/** Any content block of a message. */
export const block = z.discriminatedUnion("type", [
  textBlock,
  mediaBlock,
  toolUseBlock,
  toolResultBlock,
  thinkingBlock,
  redactedBlock,
]);

/** One content block, checked. */
export type AnthropicBlock = z.infer<typeof block>;
/** One message, checked; a plain string became one text block. */
export interface AnthropicMessage {
  role: "user" | "assistant";
  blocks: AnthropicBlock[];
}
