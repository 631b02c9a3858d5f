// What an error says about trying again: whether the work was surely not done, whether it may have been, or whether it is in vain.

/**
 * - `not_done`: the other side surely did nothing (no connection, refused by a rate limit); trying again is safe for everything.
 * - `unknown`: it may have acted (time-out, connection lost, server error); trying again is safe for what is idempotent.
 * - `final`: trying again gives the same error.
 */
export type ErrorClass = "not_done" | "unknown" | "final";

const notDoneCodes = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const unknownCodes = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_SOCKET",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);
const unknownNames = new Set(["TimeoutError", "APIConnectionError", "APIConnectionTimeoutError"]);
const causesMax = 5;

interface ErrorLike {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  status?: unknown;
  statusCode?: unknown;
  status_code?: unknown;
  response?: { status?: unknown; headers?: unknown };
  headers?: unknown;
  cause?: unknown;
}

/** The HTTP status that an error carries, under any of the names in use; of the error or of what caused it. */
export function statusOf(error: unknown): number | undefined {
  for (const link of causeChain(error)) {
    const status = link.status ?? link.statusCode ?? link.status_code ?? link.response?.status;
    if (typeof status === "number") return status;
  }
  return undefined;
}

/** Puts an error into its class by HTTP status, then by the code or name of it or of what caused it. */
export function classifyError(error: unknown): ErrorClass {
  const status = statusOf(error);
  if (status !== undefined) {
    if (status === 429 || status === 503 || status === 529) return "not_done";
    return status === 408 || status === 425 || (status >= 500 && status !== 501) ? "unknown" : "final";
  }
  for (const link of causeChain(error)) {
    const code = String(link.code ?? "");
    if (notDoneCodes.has(code)) return "not_done";
    if (unknownCodes.has(code) || unknownNames.has(String(link.name))) return "unknown";
  }
  // What undici and the client libraries say of a connection that broke without a code.
  const broken = /fetch failed|terminated|socket hang up|other side closed|connection error|premature close/i;
  return causeChain(error).some((link) => broken.test(String(link.message))) ? "unknown" : "final";
}

/**
 * The wait that a `Retry-After` (seconds or a date) or `retry-after-ms` header of the error asks for, in milliseconds.
 * @param now milliseconds since 1970. @default Date.now()
 */
export function retryAfterMsOf(error: unknown, now = Date.now()): number | undefined {
  for (const link of causeChain(error)) {
    const headers = link.headers ?? link.response?.headers;
    const exact = headerOf(headers, "retry-after-ms");
    if (exact !== undefined && Number(exact) >= 0) return Number(exact);
    const text = headerOf(headers, "retry-after");
    if (text === undefined) continue;
    const waitMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
    if (Number.isFinite(waitMs)) return Math.max(0, waitMs);
  }
  return undefined;
}

function headerOf(headers: unknown, name: string): string | undefined {
  if (!headers || typeof headers !== "object") return undefined;
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const value = (headers as Record<string, unknown>)[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function causeChain(error: unknown): ErrorLike[] {
  const chain: ErrorLike[] = [];
  let link = error;
  while (link && typeof link === "object" && chain.length < causesMax) {
    chain.push(link);
    link = (link as ErrorLike).cause;
  }
  return chain;
}
