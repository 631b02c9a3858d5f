// What the project's `Auth` object holds, recognised by its shape: it may come from any copy of the SDK.
import { AuthRefusedError, ConfigurationError, HoldfastError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import type { AccessCheck } from "../domain/ports/authorizer.ts";

export type AuthenticateHandler = (request: Request) => unknown;

/** What a handler is called with; `value` may be changed in place. */
export interface HandlerEvent {
  event: string;
  resource: string;
  action: string;
  value: JsonObject;
  user: JsonObject;
  permissions: string[];
}

export type AuthorizeHandler = (event: HandlerEvent) => unknown;

export interface AuthHandlers {
  authenticate: AuthenticateHandler | undefined;
  callbacks: ReadonlyMap<string, AuthorizeHandler>;
}

/** Where the SDK's `Auth` keeps its handlers. */
const CACHE_KEY = "~handlerCache";

/** @throws ConfigurationError when `exported` is no `Auth` object; `where` names it */
export function readAuthHandlers(exported: unknown, where: string): AuthHandlers {
  const cache: unknown = isObject(exported) ? exported[CACHE_KEY] : undefined;
  if (!isObject(cache)) {
    throw new ConfigurationError(
      `auth.path: ${where} must be an Auth object: export const auth = new Auth(), with Auth from "@langchain/langgraph-sdk/auth".`,
    );
  }
  const { authenticate, callbacks } = cache;
  const handlers = Object.entries(isObject(callbacks) ? callbacks : {}).filter(
    (entry): entry is [string, AuthorizeHandler] => typeof entry[1] === "function",
  );
  return {
    authenticate: typeof authenticate === "function" ? (authenticate as AuthenticateHandler) : undefined,
    callbacks: new Map(handlers),
  };
}

/** The one handler that decides: the most specific there is. */
export function findHandler(
  { callbacks }: AuthHandlers,
  { resource, action }: Pick<AccessCheck, "resource" | "action">,
): AuthorizeHandler | undefined {
  for (const event of [`${resource}:${action}`, resource, `*:${action}`, "*"]) {
    const handler = callbacks.get(event);
    if (handler !== undefined) return handler;
  }
  return undefined;
}

/** The SDK's `HTTPException`, or anything like it, as the refusal that its author means; everything else stays as it is. */
export function toRefusal(error: unknown): unknown {
  if (error instanceof HoldfastError || !isObject(error) || !("headers" in error || "getResponse" in error))
    return error;
  const { status, message, headers } = error;
  if (typeof status !== "number" || !Number.isInteger(status) || status < 400 || status > 599) return error;
  return new AuthRefusedError(String(message), { status, headers: readHeaders(headers) });
}

function readHeaders(headers: unknown): Record<string, string> {
  if (!isObject(headers)) return {};
  return Object.fromEntries(new Headers(headers as Record<string, string>));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
