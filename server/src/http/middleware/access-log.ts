// Reports every request once, when its last byte is out or its client is gone.
import type { MiddlewareHandler } from "hono";
import type { Report } from "../../observability/report.ts";
import type { HeaderChooser } from "../header-choice.ts";
import type { HttpContext, HttpEnv } from "../http-services.ts";

export function accessLog(report: Report, chooseHeaders?: HeaderChooser): MiddlewareHandler<HttpEnv> {
  return async (context, next) => {
    const startedAt = performance.now();
    const headers = chooseHeaders?.(context.req.raw.headers);
    const served = (status: number, isAborted: boolean) =>
      reportRequest(report, context, { startedAt, status, isAborted, ...(headers && { headers }) });
    const outgoing = context.env?.outgoing;
    outgoing?.once("close", () => served(outgoing.statusCode, !outgoing.writableFinished));
    await next();
    if (outgoing === undefined) served(context.res.status, false);
  };
}

function reportRequest(
  report: Report,
  context: HttpContext,
  { startedAt, ...fact }: { startedAt: number; status: number; isAborted: boolean; headers?: Record<string, string> },
): void {
  report.requestServed({
    requestId: context.get("requestId"),
    method: context.req.method,
    route: context.get("route") ?? "unmatched",
    ...fact,
    durationMs: performance.now() - startedAt,
    isLongLived: context.get("isLongLived") === true,
  });
}
