// The one place where an error becomes an answer.
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { HoldfastError, InternalError } from "../domain/errors.ts";
import type { RunError } from "../domain/run.ts";
import type { Report } from "../observability/report.ts";
import type { HttpContext } from "./http-services.ts";

/** Header with the error's stable code; the body stays as LangGraph clients know it. */
export const ERROR_CODE_HEADER = "x-error-code";

/** The answer to a request that failed: status and `{"detail"}` of a catalogued error, else 500 with the request id only. */
export function toErrorResponse(error: unknown, context: HttpContext, report: Report): Response {
  const outgoing = context.env?.outgoing;
  if (outgoing?.headersSent) {
    // Too late for a status: only a broken connection still tells that this was not all.
    toKnownError(error, context, report);
    outgoing.destroy();
    return RESPONSE_ALREADY_SENT;
  }
  if (error instanceof HTTPException) return presentHttpException(error, context);
  const known = toKnownError(error, context, report);
  for (const [name, value] of Object.entries(known.headers ?? {})) context.header(name, value);
  context.header(ERROR_CODE_HEADER, known.code);
  if (known.retryAfterSeconds !== undefined) context.header("retry-after", String(known.retryAfterSeconds));
  return context.json({ detail: known.message }, known.status as ContentfulStatusCode);
}

/** The same for an answer whose headers are already sent: the shape LangGraph clients look for in a result. */
export function toRunError(error: unknown, context: HttpContext, report: Report): RunError {
  const known = toKnownError(error, context, report);
  return { error: known.name, message: known.message };
}

function toKnownError(error: unknown, context: HttpContext, report: Report): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const requestId = context.get("requestId");
  report.requestFailed({ requestId, method: context.req.method, route: context.get("route") ?? "unmatched", error });
  return new InternalError(requestId);
}

function presentHttpException(error: HTTPException, context: HttpContext): Response {
  const { headers } = error.getResponse();
  for (const [name, value] of headers) if (name !== "content-type") context.header(name, value);
  return context.json({ detail: error.message }, error.status as ContentfulStatusCode);
}
