// The OpenAI stub: chat completions, responses, embeddings and models.
import type { ProviderError } from "../provider-error.ts";
import { type ProviderProtocol, type ProviderStub, type StubOptions, startStub } from "../stub-server.ts";
import { answerChat } from "./chat-answer.ts";
import { answerEmbeddings } from "./embeddings.ts";
import { openAiError } from "./errors.ts";
import { findModel } from "./prompt.ts";
import { answerResponses } from "./responses-answer.ts";
import type { ResponsesItem } from "./responses-request.ts";

const defaultApiKeys = ["test-key"];

/**
 * Starts a server that speaks OpenAI's API under `/v1`; `url` ends in `/v1`, as `OPENAI_BASE_URL` does.
 * Default models: gpt-4o and gpt-4o-mini (window 128,000 tokens), gpt-5 (400,000), text-embedding-3-small (8,191).
 */
export function startOpenAiStub(options: StubOptions = {}): Promise<ProviderStub> {
  return startStub(openAiProtocol(), options);
}

function openAiProtocol(): ProviderProtocol {
  const earlier = new Map<string, ResponsesItem[]>();
  return {
    basePath: "/v1",
    defaultModels: [
      { id: "gpt-4o", contextWindowTokens: 128_000 },
      { id: "gpt-4o-mini", contextWindowTokens: 128_000 },
      { id: "gpt-5", contextWindowTokens: 400_000 },
      { id: "text-embedding-3-small", contextWindowTokens: 8_191 },
    ],
    routes: [
      { method: "POST", path: /^\/v1\/chat\/completions$/, isFaultable: true, handle: answerChat },
      {
        method: "POST",
        path: /^\/v1\/responses$/,
        isFaultable: true,
        handle: (exchange, context) => answerResponses(exchange, context, earlier),
      },
      { method: "POST", path: /^\/v1\/embeddings$/, isFaultable: true, handle: answerEmbeddings },
      {
        method: "GET",
        path: /^\/v1\/models$/,
        isFaultable: false,
        handle: (exchange, { models }) => exchange.sendJson(200, { object: "list", data: models.map(presentModel) }),
      },
      {
        method: "GET",
        path: /^\/v1\/models\/(.+)$/,
        isFaultable: false,
        handle: (exchange, context, match) => exchange.sendJson(200, presentModel(findModel(context, match[1]!))),
      },
    ],
    checkKey: checkBearerKey,
    error: presentError,
  };
}

function presentModel(model: { id: string }) {
  return { id: model.id, object: "model", created: 1_700_000_000, owned_by: "holdfast-stub" };
}

function checkBearerKey(headers: Record<string, string>, apiKeys: string[] = defaultApiKeys): void {
  const key = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
  if (!key) {
    const message =
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
    throw openAiError(message, { status: 401 });
  }
  if (apiKeys.includes(key)) return;
  throw openAiError("Incorrect API key provided.", { status: 401, code: "invalid_api_key" });
}

function presentError(reason: Parameters<ProviderProtocol["error"]>[0]): ProviderError {
  switch (reason) {
    case "rate-limit":
      return openAiError("Rate limit reached for requests. Please try again later.", {
        status: 429,
        type: "requests",
        code: "rate_limit_exceeded",
      });
    case "server-error":
      return openAiError("The server had an error while processing your request. Sorry about that!", {
        status: 500,
        type: "server_error",
      });
    case "overloaded":
      return openAiError("The engine is currently overloaded, please try again later.", {
        status: 503,
        type: "server_error",
      });
    case "unknown-path":
      return openAiError("Invalid URL", { status: 404 });
    case "bad-json":
      return openAiError("We could not parse the JSON body of your request.");
    case "too-large":
      return openAiError("The request body is too large.", { status: 413 });
  }
}
