// The HTTP server under every stub: records requests, applies faults, keeps the bill; the provider supplies routes and errors.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Bill } from "./bill.ts";
import { BrokenOff, Exchange } from "./exchange.ts";
import { Faults } from "./faults.ts";
import { PromptCache } from "./prompt-cache.ts";
import { ProviderError } from "./provider-error.ts";
import type { RecordedCall } from "./recorded-call.ts";
import type { StubReply } from "./reply.ts";
import { type ReplyFunction, Script } from "./script.ts";

const bodyBytesMax = 32 * 1024 * 1024;

/** A model that a stub offers. */
export interface StubModel {
  id: string;
  /** Most tokens of prompt and answer together. */
  contextWindowTokens: number;
}

/** Settings of a stub. */
export interface StubOptions {
  /** Port on 127.0.0.1. @default 0, a free one */
  port?: number;
  /** Keys that are accepted. @default ["test-key"]; Ollama: none, so no key is asked for */
  apiKeys?: string[];
  /** Models that exist. @default see the provider's start function */
  models?: StubModel[];
  /** The window of every model, in tokens. @default each model's own */
  contextWindowTokens?: number;
  /** Pause before each token, in milliseconds. @default 0 */
  tokenDelayMs?: number;
}

/** A running stub. */
export interface ProviderStub extends AsyncDisposable {
  /** Address for the client library's base URL setting. */
  url: string;
  port: number;
  /** Every request so far, in the order of arrival. */
  calls: RecordedCall[];
  bill: Bill;
  faults: Faults;
  /** Queues replies, or sets the function that makes them. */
  script(...replies: (StubReply | string | ReplyFunction)[]): void;
  /** Stops the server; open connections are cut. */
  close(): Promise<void>;
}

/** What a route's handler works with. */
export interface StubContext {
  models: StubModel[];
  script: Script;
  cache: PromptCache;
}

/** One operation of a provider's API. */
export interface StubRoute {
  method: "GET" | "POST" | "DELETE";
  path: RegExp;
  /** Whether faults apply: true for what a provider rates and bills. */
  isFaultable: boolean;
  handle(exchange: Exchange, context: StubContext, match: RegExpMatchArray): Promise<void> | void;
}

/** What makes a stub speak like one provider. */
export interface ProviderProtocol {
  /** Path that the client library expects at the end of its base URL, such as `/v1`. */
  basePath: string;
  defaultModels: StubModel[];
  routes: StubRoute[];
  /** @throws ProviderError if the key is missing or wrong. */
  checkKey(headers: Record<string, string>, apiKeys: string[] | undefined): void;
  /** The provider's error for a fault, an unknown path or a body that is not JSON. */
  error(
    reason: "rate-limit" | "server-error" | "overloaded" | "unknown-path" | "bad-json" | "too-large",
  ): ProviderError;
}

/** Starts a stub on 127.0.0.1. */
export async function startStub(protocol: ProviderProtocol, options: StubOptions): Promise<ProviderStub> {
  const calls: RecordedCall[] = [];
  const bill = new Bill();
  const faults = new Faults();
  const open = new Set<Exchange>();
  const models = (options.models ?? protocol.defaultModels).map((model) => ({
    ...model,
    contextWindowTokens: options.contextWindowTokens ?? model.contextWindowTokens,
  }));
  const context: StubContext = { models, script: new Script(), cache: new PromptCache() };

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const call = await recordCall(request, calls);
    const exchange = new Exchange(call, request, response, options.tokenDelayMs ?? 0);
    open.add(exchange);
    let isBroken = false;
    try {
      await answer(exchange, protocol, options, faults, context);
    } catch (error) {
      isBroken = true;
      sendError(exchange, error);
    } finally {
      open.delete(exchange);
      call.endedAt = Date.now();
      const outcome = call.isAborted ? "aborted" : isBroken ? "failed" : "completed";
      if (call.usage)
        bill.record({ callId: call.id, model: call.conversation?.model ?? "unknown", outcome, ...call.usage });
    }
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const port = (server.address() as AddressInfo).port;
  const close = async () => {
    for (const exchange of open) exchange.cut();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  const url = `http://127.0.0.1:${port}${protocol.basePath}`;
  const script: ProviderStub["script"] = (...replies) => context.script.set(replies);
  return { url, port, calls, bill, faults, script, close, [Symbol.asyncDispose]: close };
}

async function answer(
  exchange: Exchange,
  protocol: ProviderProtocol,
  options: StubOptions,
  faults: Faults,
  context: StubContext,
): Promise<void> {
  const { call } = exchange;
  const route = protocol.routes.find((candidate) => candidate.method === call.method && candidate.path.test(call.path));
  protocol.checkKey(plainHeaders(exchange.request), options.apiKeys);
  if (!route) throw protocol.error("unknown-path");
  if (route.isFaultable) await meetFault(exchange, protocol, faults);
  if (call.body === tooLarge) throw protocol.error("too-large");
  if (call.method === "POST" && (call.body === null || typeof call.body !== "object")) throw protocol.error("bad-json");
  await route.handle(exchange, context, call.path.match(route.path)!);
}

/** Faults that strike before anything is generated. */
async function meetFault(exchange: Exchange, protocol: ProviderProtocol, faults: Faults): Promise<void> {
  const fault = faults.take(exchange.call);
  exchange.call.fault = fault;
  switch (fault?.kind) {
    case "rate-limit": {
      const error = protocol.error("rate-limit");
      if (fault.retryAfterSeconds === undefined) throw error;
      throw new ProviderError(429, error.message, error.body, { "retry-after": String(fault.retryAfterSeconds) });
    }
    case "server-error":
    case "overloaded":
      throw protocol.error(fault.kind);
    case "delay":
      await exchange.wait(fault.delayMs);
      return;
    case "drop":
      if (fault.afterTokens !== undefined) return;
      exchange.cut();
      throw new BrokenOff("dropped before the headers");
    case "hang":
      if (fault.afterTokens === undefined) await exchange.hang();
  }
}

function sendError(exchange: Exchange, error: unknown): void {
  if (error instanceof ProviderError && !exchange.hasStarted)
    exchange.sendJson(error.status, error.body, error.headers);
  else if (exchange.hasStarted) exchange.end();
  else if (!(error instanceof BrokenOff))
    exchange.sendJson(500, { error: { message: `provider stub: ${String(error)}` } });
}

const tooLarge = Symbol("body too large");

async function recordCall(request: IncomingMessage, calls: RecordedCall[]): Promise<RecordedCall> {
  const startedAt = Date.now();
  const body = await readBody(request);
  const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
  const id = `call-${calls.length + 1}`;
  const headers = withoutKeys(plainHeaders(request));
  const call: RecordedCall = { id, method: request.method ?? "GET", path, headers, body, isAborted: false, startedAt };
  calls.push(call);
  return call;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request) {
      bytes += (part as Buffer).length;
      if (bytes <= bodyBytesMax) parts.push(part as Buffer);
    }
  } catch {
    return undefined;
  }
  if (bytes > bodyBytesMax) return tooLarge;
  const text = Buffer.concat(parts).toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function plainHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
}

function withoutKeys(headers: Record<string, string>): Record<string, string> {
  const secret = new Set(["authorization", "x-api-key", "api-key", "cookie"]);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, secret.has(name) ? "[redacted]" : value]),
  );
}
