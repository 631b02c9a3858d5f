// OpenAI's embeddings.
import { z } from "zod";
import { embedText } from "../embedding.ts";
import type { Exchange } from "../exchange.ts";
import { beginGeneration } from "../generation.ts";
import type { StubContext } from "../stub-server.ts";
import { countTokens } from "../token-rule.ts";
import { openAiError, openAiShapeError } from "./errors.ts";
import { findModel } from "./prompt.ts";

/** Dimensions and longest input of OpenAI's text-embedding-3-small ("Embeddings" guide, 2025). */
const dimensionsDefault = 1536;
const inputTokensMax = 8191;

const embeddingsRequest = z.strictObject({
  model: z.string(),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(2048)]),
  dimensions: z.number().int().min(1).max(dimensionsDefault).optional(),
  encoding_format: z.enum(["float", "base64"]).optional(),
  user: z.string().optional(),
});

/** `POST /v1/embeddings`. */
export function answerEmbeddings(exchange: Exchange, context: StubContext): void {
  const parsed = embeddingsRequest.safeParse(exchange.call.body);
  if (!parsed.success) throw openAiShapeError(parsed.error);
  const { model, input, dimensions = dimensionsDefault, encoding_format: format = "float" } = parsed.data;
  findModel(context, model);
  const texts = typeof input === "string" ? [input] : input;
  for (const text of texts) {
    const tokens = countTokens(text);
    if (tokens <= inputTokensMax) continue;
    throw openAiError(
      `This model's maximum context length is ${inputTokensMax} tokens, however you requested ${tokens} tokens.`,
    );
  }
  const inputTokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  exchange.call.conversation = { model, messages: [], tools: [], toolChoice: "none" };
  beginGeneration(exchange, inputTokens, { cachedInputTokens: 0, cacheWriteTokens: 0 });
  const data = texts.map((text, index) => ({
    object: "embedding",
    index,
    embedding: encode(embedText(text, dimensions), format),
  }));
  exchange.sendJson(200, {
    object: "list",
    data,
    model,
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  });
}

function encode(vector: number[], format: "float" | "base64"): number[] | string {
  return format === "float" ? vector : Buffer.from(Float32Array.from(vector).buffer).toString("base64");
}
