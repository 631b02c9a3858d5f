// What of a model's stream is given on, and when: text at once, the rest when it is complete, and no seam where a stream was resumed.
import { AIMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import type { ModelAttempt } from "./resilience-options.ts";

/** Models tend to begin with a space; after text that ends with one, white space at the seam is dropped. */
export async function* joinAfter(
  shownText: string,
  stream: AsyncIterable<AIMessageChunk>,
): AsyncGenerator<AIMessageChunk> {
  let isAtSeam = /\s$/.test(shownText);
  for await (const chunk of stream) {
    if (!isAtSeam || chunk.text === "") {
      yield chunk;
      continue;
    }
    isAtSeam = chunk.text.trim() === "";
    yield withoutLeadingSpace(chunk);
  }
}

function withoutLeadingSpace(chunk: AIMessageChunk): AIMessageChunk {
  const { content, tool_call_chunks, additional_kwargs, response_metadata, usage_metadata } = chunk;
  const trimmed =
    typeof content === "string"
      ? content.trimStart()
      : content.map((block) =>
          block.type === "text" ? { ...block, text: String(block.text ?? "").trimStart() } : block,
        );
  return new AIMessageChunk({
    content: trimmed,
    tool_call_chunks,
    additional_kwargs,
    response_metadata,
    usage_metadata,
  });
}

/**
 * Passes text on at once and holds everything else back until text comes or the answer is complete; from the first tool call on
 * everything waits. Message ids of attempts are dropped, because several of them may make one message.
 */
export async function* holdBack(
  stream: AsyncIterable<AIMessageChunk>,
  report: ModelAttempt,
): AsyncGenerator<ChatGenerationChunk> {
  let held: AIMessageChunk[] = [];
  let hasCall = false;
  for await (const chunk of stream) {
    report.receivedCharacters +=
      chunk.text.length + (chunk.tool_call_chunks ?? []).reduce((sum, part) => sum + (part.args?.length ?? 0), 0);
    if (chunk.usage_metadata) report.usage = addUsage(report.usage, chunk.usage_metadata);
    hasCall ||= (chunk.tool_call_chunks?.length ?? 0) > 0;
    held.push(chunk);
    if (hasCall || chunk.text === "") continue;
    for (const ready of held) yield toGeneration(ready);
    held = [];
  }
  for (const ready of held) yield toGeneration(ready);
}

function addUsage(
  sum: ModelAttempt["usage"],
  more: NonNullable<ModelAttempt["usage"]>,
): NonNullable<ModelAttempt["usage"]> {
  if (!sum) return more;
  return new AIMessageChunk({ content: "", usage_metadata: sum }).concat(
    new AIMessageChunk({ content: "", usage_metadata: more }),
  ).usage_metadata!;
}

function toGeneration(chunk: AIMessageChunk): ChatGenerationChunk {
  const { content, tool_call_chunks, additional_kwargs, response_metadata, usage_metadata } = chunk;
  const message = new AIMessageChunk({
    content,
    tool_call_chunks,
    additional_kwargs,
    response_metadata,
    usage_metadata,
  });
  return new ChatGenerationChunk({ text: chunk.text, message });
}
