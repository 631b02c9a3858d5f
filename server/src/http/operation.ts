// One HTTP operation: its schemas for parsing and for the OpenAPI document, and the handler that answers.
import type { RouteConfig } from "@hono/zod-openapi";
import { z } from "@hono/zod-openapi";
import type { JsonObject } from "../domain/json.ts";
import type { AccessFilter } from "../domain/page.ts";
import type { Resource } from "../domain/ports/authorizer.ts";
import type { Principal } from "../domain/principal.ts";
import type { HttpContext, HttpServices, HttpSettings } from "./http-services.ts";
import { type Creation, KEY_CHARS_MAX } from "./idempotency-key.ts";
import type { Pulse } from "./sse/pulse.ts";

/** What every handler is given besides its parsed input. */
export interface Caller {
  context: HttpContext;
  services: HttpServices;
  settings: HttpSettings;
  pulses: { heartbeat: Pulse; keepAlive: Pulse };
  principal: Principal;
  /** Ids for what the request creates. */
  creation: Creation;
  /** Asks the authoriser; it may change `value`, and what it changed counts. @throws ForbiddenError */
  authorize(resource: Resource, action: string, value: JsonObject): Promise<AccessFilter>;
}

export interface Call<Params, Query, Body> extends Caller {
  params: Params;
  query: Query;
  body: Body;
}

/** What the document says about one answer. */
export interface AnswerDoc {
  description: string;
  schema?: z.ZodType;
  /** @default "application/json" */
  contentType?: string;
  example?: unknown;
}

export type Tag =
  | "Assistants"
  | "Threads"
  | "Thread runs"
  | "Stateless runs"
  | "Crons"
  | "Store"
  | "Usage"
  | "Protocols"
  | "System";

export interface Operation<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** OpenAPI form: `/threads/{thread_id}`. */
  path: string;
  tag: Tag;
  summary: string;
  description?: string;
  params?: Params;
  query?: Query;
  /** Headers that change the answer; for the document, handlers read them themselves. */
  headers?: z.ZodObject;
  body?: Body;
  /** Status of a body that does not fit, where clients know another than the usual one. @default 422 */
  misfitStatus?: 400;
  bodyExample?: unknown;
  answers: Record<number, AnswerDoc>;
  /**
   * For operations that create something: the request may carry an Idempotency-Key, and a repeated one gets the first answer's `body`
   * again, or the stream or result of its `run`.
   */
  idempotency?: "body" | "run";
  /** Answers without asking who is there. @default false */
  isOpen?: boolean;
  /** Lasts as long as a run; left out of the latency metric. @default false */
  isLongLived?: boolean;
  /** Left out of the OpenAPI document. @default false */
  isHidden?: boolean;
  /** Whether the operation exists with these services. @default always */
  isAvailable?(services: HttpServices): boolean;
  handle(call: Call<z.output<Params>, z.output<Query>, z.output<Body>>): Promise<Response> | Response;
}

/** Declares an operation; its handler's types follow from its schemas. */
export function defineOperation<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  operation: Operation<Params, Query, Body>,
): Operation {
  return operation as unknown as Operation;
}

/** The body of every failed request. */
export const errorSchema = z
  .object({ detail: z.string().openapi({ description: "What went wrong, in one line." }) })
  .openapi("Error", { example: { detail: "Thread with ID 0198c1f0-... not found" } });

const FAILURES: Record<number, string> = {
  400: "The body is not JSON, or the object cannot do this as it is",
  401: "Authentication is missing or wrong",
  403: "The caller may not do this",
  404: "It does not exist, or the caller may not see it",
  409: "It exists already, or its state forbids this now",
  413: "The body is larger than the server accepts",
  422: "A parameter or field does not fit; `detail` names it and what is allowed",
  503: "The server cannot take this now; see Retry-After",
};

/** Answers 4xx and 5xx for the document; every operation has the common ones. */
export function failures(...statuses: number[]): Record<number, AnswerDoc> {
  return Object.fromEntries(
    statuses.map((status) => [status, { description: FAILURES[status] ?? "Failure", schema: errorSchema }]),
  );
}

const idempotencyHeaders = z.object({
  "Idempotency-Key": z
    .string()
    .min(1)
    .max(KEY_CHARS_MAX)
    .optional()
    .openapi({
      description:
        "Makes it safe to send the request again: with the same key and body, the first answer comes back for a day (see " +
        "HOLDFAST_IDEMPOTENCY_RETENTION_MS), and nothing is created twice.",
    }),
});

/** The operation as `@hono/zod-openapi` registers it. */
export function toRouteConfig(operation: Operation): RouteConfig {
  const { method, path, tag, summary, description, params, query, headers, body, bodyExample } = operation;
  const keyHeaders = operation.idempotency === undefined ? headers : idempotencyHeaders.extend(headers?.shape ?? {});
  const common = operation.isOpen ? {} : failures(...(body ? [401, 403, 413, 422] : [401, 403, 422]), 503);
  const conflicts = operation.idempotency === undefined ? {} : failures(409);
  const answers: Record<number, AnswerDoc> = { ...common, ...conflicts, ...operation.answers };
  return {
    method,
    path,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    request: {
      ...(params ? { params: params as z.ZodObject } : {}),
      ...(query ? { query: query as z.ZodObject } : {}),
      ...(keyHeaders ? { headers: keyHeaders } : {}),
      ...(body ? { body: { content: { "application/json": { schema: body, example: bodyExample } } } } : {}),
    },
    responses: Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, toResponseDoc(answer)])),
  };
}

function toResponseDoc({ description, schema, contentType = "application/json", example }: AnswerDoc) {
  if (schema === undefined) return { description };
  return { description, content: { [contentType]: { schema, ...(example === undefined ? {} : { example }) } } };
}
