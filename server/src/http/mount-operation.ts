// Puts an operation behind its path: authenticate, parse, hand over to the handler.
import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "@hono/zod-openapi";
import { BadRequestError, InvalidRequestError } from "../domain/errors.ts";
import { ANONYMOUS } from "../domain/principal.ts";
import type { HttpContext, HttpEnv, HttpServices, HttpSettings } from "./http-services.ts";
import { answerOnce } from "./idempotency.ts";
import { PLAIN_CREATION } from "./idempotency-key.ts";
import type { Caller, Operation } from "./operation.ts";
import { readJsonBody, requireStorableText } from "./request-body.ts";
import { describeProblems } from "./request-problems.ts";
import { decodeQuery } from "./request-query.ts";
import type { Pulse } from "./sse/pulse.ts";

/** What all operations of one app share. */
export interface Runtime {
  services: HttpServices;
  settings: HttpSettings;
  pulses: { heartbeat: Pulse; keepAlive: Pulse };
}

/** `/threads/{thread_id}` in Hono's notation. */
export function toHonoPath(path: string): string {
  return path.replaceAll(/\{([^}]+)\}/g, ":$1");
}

/** Adds the operation's route to the app. */
export function mountOperation(app: OpenAPIHono<HttpEnv>, operation: Operation, runtime: Runtime): void {
  app.on(operation.method.toUpperCase(), toHonoPath(operation.path), async (context) => {
    context.set("route", operation.path);
    context.set("isLongLived", operation.isLongLived === true);
    const caller = await identify(context, operation, runtime);
    const params = parsePart("path", operation.params, context.req.param());
    const query = parsePart("query", operation.query, readQuery(context, operation));
    const rawBody = operation.body ? await readBody(context, runtime.settings) : undefined;
    const body = parseBody(operation, rawBody);
    // A stream's HEAD has headers only; following the run for it would hold the connection for nothing.
    if (operation.isLongLived && context.req.method === "HEAD") return context.body(null);
    return answerOnce(operation, { ...caller, params, query, body }, rawBody);
  });
}

async function identify(context: HttpContext, operation: Operation, runtime: Runtime): Promise<Caller> {
  const { authorizer } = runtime.services;
  const principal = operation.isOpen
    ? ANONYMOUS
    : (context.get("principal") ?? (await authorizer.authenticate(context.req.raw)));
  return {
    ...runtime,
    context,
    principal,
    creation: PLAIN_CREATION,
    authorize: (resource, action, value) => authorizer.authorize(principal, { resource, action, value }),
  };
}

function readQuery(context: HttpContext, operation: Operation): Record<string, unknown> {
  if (!(operation.query instanceof z.ZodObject) || !context.req.url.includes("?")) return {};
  return decodeQuery(operation.query, context.req.queries());
}

async function readBody(context: HttpContext, settings: HttpSettings): Promise<unknown> {
  return (await readJsonBody(context, settings.requestBodyBytesMax)) ?? {};
}

function parseBody(operation: Operation, raw: unknown): unknown {
  try {
    return parsePart("body", operation.body, raw);
  } catch (error) {
    const isMisfit = operation.misfitStatus === 400 && error instanceof InvalidRequestError;
    throw isMisfit ? new BadRequestError(error.message) : error;
  }
}

function parsePart(part: "path" | "query" | "body", schema: z.ZodType | undefined, raw: unknown): unknown {
  if (schema === undefined) return undefined;
  // Bodies are checked while reading, where it costs nothing for ordinary text.
  if (part !== "body") requireStorableText(raw, part);
  const result = schema.safeParse(raw);
  if (!result.success) throw describeProblems(part, result.error);
  return result.data;
}
