// The HTTP application: middleware, every operation, and what answers when none fits.
import { OpenAPIHono } from "@hono/zod-openapi";
import { getPath } from "hono/utils/url";
import { mountCustomRoutes } from "./custom-routes.ts";
import { toErrorResponse } from "./error-response.ts";
import type { HttpContext, HttpEnv, HttpServices, HttpSettings } from "./http-services.ts";
import { accessLog } from "./middleware/access-log.ts";
import { cors } from "./middleware/cors.ts";
import { requestId } from "./middleware/request-id.ts";
import { mountOperation, type Runtime } from "./mount-operation.ts";
import { offeredOperations } from "./offered-operations.ts";
import { buildOpenApi } from "./openapi.ts";
import type { Operation } from "./operation.ts";
import { Pulse } from "./sse/pulse.ts";

/** Between heartbeats of a stream; clients measure it and reconnect after three times as long. */
const HEARTBEAT_INTERVAL_MS = 5_000;
/** Between newlines of a wait. */
const KEEP_ALIVE_INTERVAL_MS = 1_000;

/** The app with all doors, ready for `serveHttp` or, streams excepted, for `app.request()`. */
export function createHttpApp(services: HttpServices, settings: HttpSettings): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>({ getPath: pathBelow(settings.mountPrefix) });
  const runtime: Runtime = {
    services,
    settings,
    pulses: {
      heartbeat: new Pulse(settings.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS),
      keepAlive: new Pulse(settings.keepAliveIntervalMs ?? KEEP_ALIVE_INTERVAL_MS),
    },
  };
  const disabled = settings.disabledGroups ?? new Set();
  const operations = offeredOperations(services, disabled);
  app.use(requestId, accessLog(services.report, settings.loggingHeaders), cors(settings.cors));
  if (settings.customRoutes !== undefined) {
    mountCustomRoutes(
      app,
      settings.customRoutes,
      services.authorizer,
      (path) => methodsOf(path, operations).length > 0,
    );
  }
  for (const operation of operations) mountOperation(app, operation, runtime);
  if (!disabled.has("meta")) mountDocument(app);
  app.onError((error, context) => toErrorResponse(error, context, services.report));
  app.notFound((context) => answerUnmatched(context, operations));
  return app;
}

/** The path as operations know it: without the prefix that the API is mounted below, where it is there. */
function pathBelow(prefix: string | undefined): (request: Request) => string {
  return (request) => {
    const path = getPath(request);
    if (prefix === undefined || !path.startsWith(prefix)) return path;
    const rest = path.slice(prefix.length);
    return rest === "" ? "/" : rest.startsWith("/") ? rest : path;
  };
}

function mountDocument(app: OpenAPIHono<HttpEnv>): void {
  let text: string | undefined;
  app.get("/openapi.json", (context) => {
    context.set("route", "/openapi.json");
    text ??= JSON.stringify(buildOpenApi());
    return context.body(text, 200, { "content-type": "application/json" });
  });
}

/** 404, or for a path that exists with other methods: 405, and for OPTIONS which those are. */
function answerUnmatched(context: HttpContext, operations: readonly Operation[]): Response {
  const methods = methodsOf(context.req.path, operations);
  if (methods.length === 0) return context.json({ detail: "Not Found" }, 404);
  context.header("allow", [...methods, "OPTIONS"].join(", "));
  if (context.req.method === "OPTIONS") return context.body(null, 204);
  return context.json({ detail: "Method Not Allowed" }, 405);
}

function methodsOf(path: string, operations: readonly Operation[]): string[] {
  const segments = path.split("/");
  const methods = operations
    .filter((operation) => {
      const template = operation.path.split("/");
      return (
        template.length === segments.length &&
        template.every((part, index) => part === segments[index] || (part.startsWith("{") && segments[index] !== ""))
      );
    })
    .flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
  return [...new Set(methods)];
}
