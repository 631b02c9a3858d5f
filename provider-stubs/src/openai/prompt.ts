// Steps every OpenAI request for an answer goes through: the model exists, the prompt fits, the cache is read, the reply is planned.
import { type Conversation, promptSegments, sumTokens } from "../conversation.ts";
import type { Exchange } from "../exchange.ts";
import { beginGeneration } from "../generation.ts";
import { type PlannedReply, planReply } from "../reply.ts";
import type { StubContext, StubModel } from "../stub-server.ts";
import { openAiError } from "./errors.ts";

/** @throws ProviderError 404 `model_not_found`. */
export function findModel(context: StubContext, id: string): StubModel {
  const model = context.models.find((candidate) => candidate.id === id);
  if (model) return model;
  const message = `The model \`${id}\` does not exist or you do not have access to it.`;
  throw openAiError(message, { code: "model_not_found", status: 404 });
}

/** Checks the prompt, starts the bill and decides the reply. @throws ProviderError for an unknown model or too long a prompt. */
export async function prepareReply(
  exchange: Exchange,
  context: StubContext,
  conversation: Conversation,
): Promise<PlannedReply> {
  const model = findModel(context, conversation.model);
  exchange.call.conversation = conversation;
  const segments = promptSegments(conversation);
  const inputTokens = sumTokens(segments);
  if (inputTokens > model.contextWindowTokens) {
    const message = `This model's maximum context length is ${model.contextWindowTokens} tokens. However, your messages resulted in ${inputTokens} tokens. Please reduce the length of the messages.`;
    throw openAiError(message, { param: "messages", code: "context_length_exceeded" });
  }
  const reply = await context.script.next(conversation, exchange.call);
  const outputTokensMax = Math.min(
    conversation.outputTokensMax ?? Number.POSITIVE_INFINITY,
    model.contextWindowTokens - inputTokens,
  );
  beginGeneration(exchange, inputTokens, context.cache.readAutomatic(model.id, segments));
  return planReply(reply, outputTokensMax, (index) => `call_${exchange.call.id.replace("-", "")}x${index}`);
}
