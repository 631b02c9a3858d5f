// The Ollama stub: chat, embeddings, and what is installed.
import {
  type ProviderProtocol,
  type ProviderStub,
  type StubModel,
  type StubOptions,
  startStub,
} from "../stub-server.ts";
import { answerChat, findModel } from "./chat.ts";
import { answerEmbed } from "./embed.ts";
import { ollamaError } from "./errors.ts";

const protocol: ProviderProtocol = {
  basePath: "",
  defaultModels: [
    { id: "llama3:latest", contextWindowTokens: 8_192 },
    { id: "mistral:latest", contextWindowTokens: 32_768 },
    { id: "nomic-embed-text:latest", contextWindowTokens: 8_192 },
  ],
  routes: [
    { method: "POST", path: /^\/api\/chat$/, isFaultable: true, handle: answerChat },
    { method: "POST", path: /^\/api\/embed$/, isFaultable: true, handle: answerEmbed },
    {
      method: "GET",
      path: /^\/api\/tags$/,
      isFaultable: false,
      handle: (exchange, { models }) => exchange.sendJson(200, { models: models.map(presentModel) }),
    },
    {
      method: "POST",
      path: /^\/api\/show$/,
      isFaultable: false,
      handle: (exchange, context) => {
        const { model = "", name = "" } = exchange.call.body as { model?: string; name?: string };
        const found = findModel(context, model || name);
        const info = { "general.architecture": "stub", "stub.context_length": found.contextWindowTokens };
        const capabilities = found.id.includes("embed") ? ["embedding"] : ["completion", "tools"];
        exchange.sendJson(200, { details: presentModel(found).details, model_info: info, capabilities });
      },
    },
    {
      method: "GET",
      path: /^\/api\/version$/,
      isFaultable: false,
      handle: (exchange) => exchange.sendJson(200, { version: "0.12.0" }),
    },
  ],
  checkKey(headers, apiKeys) {
    if (!apiKeys || apiKeys.some((key) => headers.authorization === `Bearer ${key}`)) return;
    throw ollamaError(401, "unauthorized");
  },
  error(reason) {
    switch (reason) {
      case "rate-limit":
        return ollamaError(429, "too many requests");
      case "server-error":
        return ollamaError(500, "llama runner process has terminated");
      case "overloaded":
        return ollamaError(503, "server busy, please try again. maximum pending requests exceeded");
      case "unknown-path":
        return ollamaError(404, "404 page not found");
      case "bad-json":
        return ollamaError(400, "invalid JSON in request body");
      case "too-large":
        return ollamaError(413, "request body too large");
    }
  },
};

/**
 * Starts a server that speaks Ollama's API. Default models: llama3 (window 8,192 tokens), mistral (32,768), nomic-embed-text.
 * Like Ollama it asks for no key unless `apiKeys` is set, refuses no order of messages, and drops the oldest messages of a
 * prompt that is too long instead of refusing it.
 */
export function startOllamaStub(options: StubOptions = {}): Promise<ProviderStub> {
  return startStub(protocol, options);
}

function presentModel(model: StubModel) {
  return {
    name: model.id,
    model: model.id,
    modified_at: "2025-01-01T00:00:00Z",
    size: 0,
    digest: "sha256:stub",
    details: { format: "gguf", family: "stub", families: ["stub"], parameter_size: "0B", quantization_level: "none" },
  };
}
