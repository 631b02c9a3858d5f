// The Anthropic stub: messages, token counting and models.
import type { ProviderError } from "../provider-error.ts";
import {
  type ProviderProtocol,
  type ProviderStub,
  type StubModel,
  type StubOptions,
  startStub,
} from "../stub-server.ts";
import { anthropicError } from "./errors.ts";
import { answerCountTokens, answerMessages, findModel } from "./messages-answer.ts";

const defaultApiKeys = ["test-key"];

const protocol: ProviderProtocol = {
  basePath: "",
  defaultModels: [
    { id: "claude-sonnet-4-5", contextWindowTokens: 200_000 },
    { id: "claude-haiku-4-5", contextWindowTokens: 200_000 },
  ],
  routes: [
    { method: "POST", path: /^\/v1\/messages$/, isFaultable: true, handle: answerMessages },
    { method: "POST", path: /^\/v1\/messages\/count_tokens$/, isFaultable: true, handle: answerCountTokens },
    {
      method: "GET",
      path: /^\/v1\/models$/,
      isFaultable: false,
      handle: (exchange, { models }) => {
        const data = models.map(presentModel);
        exchange.sendJson(200, {
          data,
          has_more: false,
          first_id: data[0]?.id ?? null,
          last_id: data.at(-1)?.id ?? null,
        });
      },
    },
    {
      method: "GET",
      path: /^\/v1\/models\/(.+)$/,
      isFaultable: false,
      handle: (exchange, context, match) => exchange.sendJson(200, presentModel(findModel(context, match[1]!))),
    },
  ],
  checkKey(headers, apiKeys = defaultApiKeys) {
    const key = headers["x-api-key"];
    if (!key) throw anthropicError("x-api-key header is required", 401);
    if (!apiKeys.includes(key)) throw anthropicError("invalid x-api-key", 401);
  },
  error: presentError,
};

/**
 * Starts a server that speaks Anthropic's API; `url` has no `/v1`, as `ANTHROPIC_BASE_URL` has none.
 * Default models: claude-sonnet-4-5 and claude-haiku-4-5 (window 200,000 tokens).
 */
export function startAnthropicStub(options: StubOptions = {}): Promise<ProviderStub> {
  return startStub(protocol, options);
}

function presentModel(model: StubModel) {
  return { type: "model", id: model.id, display_name: model.id, created_at: "2025-01-01T00:00:00Z" };
}

function presentError(reason: Parameters<ProviderProtocol["error"]>[0]): ProviderError {
  switch (reason) {
    case "rate-limit":
      return anthropicError("This request would exceed your organization's rate limit. Please try again later.", 429);
    case "server-error":
      return anthropicError("Internal server error", 500);
    case "overloaded":
      return anthropicError("Overloaded", 529);
    case "unknown-path":
      return anthropicError("Not found", 404);
    case "bad-json":
      return anthropicError("The request body is not valid JSON");
    case "too-large":
      return anthropicError("Request exceeds the maximum size", 413);
  }
}
