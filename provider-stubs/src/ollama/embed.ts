// Ollama's embeddings.
import { z } from "zod";
import { embedText } from "../embedding.ts";
import type { Exchange } from "../exchange.ts";
import { beginGeneration } from "../generation.ts";
import type { StubContext } from "../stub-server.ts";
import { countTokens } from "../token-rule.ts";
import { findModel } from "./chat.ts";
import { ollamaError } from "./errors.ts";

/** As nomic-embed-text, the usual local embedding model, has them (Ollama's model library, 2025). */
const dimensions = 768;

const embedRequest = z.looseObject({ model: z.string().min(1), input: z.union([z.string(), z.array(z.string())]) });

/** `POST /api/embed`. */
export function answerEmbed(exchange: Exchange, context: StubContext): void {
  const parsed = embedRequest.safeParse(exchange.call.body);
  if (!parsed.success) throw ollamaError(400, "model and input are required");
  const { model, input } = parsed.data;
  findModel(context, model);
  const texts = typeof input === "string" ? [input] : input;
  const inputTokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  exchange.call.conversation = { model, messages: [], tools: [], toolChoice: "none" };
  beginGeneration(exchange, inputTokens, { cachedInputTokens: 0, cacheWriteTokens: 0 });
  const embeddings = texts.map((text) => embedText(text, dimensions));
  exchange.sendJson(200, {
    model,
    embeddings,
    total_duration: 1_000_000,
    load_duration: 0,
    prompt_eval_count: inputTokens,
  });
}
