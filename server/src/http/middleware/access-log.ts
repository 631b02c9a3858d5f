// Reports every request once, when its last byte is out or its client is gone.
import type { MiddlewareHandler } from "hono";
import type { Report } from "../../observability/report.ts";
import type { HttpContext, HttpEnv } from "../http-services.ts";

export function accessLog(report: Report): MiddlewareHandler<HttpEnv> {
  return async (context, next) => {
    const startedAt = performance.now();
    const outgoing = context.env?.outgoing;
    outgoing?.once("close", () => {
      reportRequest(report, context, startedAt, outgoing.statusCode, !outgoing.writableFinished);
    });
    await next();
    if (outgoing === undefined) reportRequest(report, context, startedAt, context.res.status, false);
  };
}

function reportRequest(
  report: Report,
  context: HttpContext,
  startedAt: number,
  status: number,
  isAborted: boolean,
): void {
  report.requestServed({
    requestId: context.get("requestId"),
    method: context.req.method,
    route: context.get("route") ?? "unmatched",
    status,
    durationMs: performance.now() - startedAt,
    isLongLived: context.get("isLongLived") === true,
    isAborted,
  });
}
