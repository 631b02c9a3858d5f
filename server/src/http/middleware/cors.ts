// Lets browsers of other origins use the API, as `http.cors` of the project file says, and read the headers clients need.
import type { MiddlewareHandler } from "hono";
import { cors as honoCors } from "hono/cors";
import { ERROR_CODE_HEADER } from "../error-response.ts";
import type { CorsSettings, HttpEnv } from "../http-services.ts";
import { IDEMPOTENCY_REPLAYED_HEADER } from "../idempotency-key.ts";
import { BUDGET_HEADER } from "../usage/budget-header.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";

/** Headers without which the SDKs lose ids, resumption and paging. */
const EXPOSED_HEADERS = [
  "content-location",
  "location",
  "x-pagination-total",
  "x-pagination-next",
  "retry-after",
  BUDGET_HEADER,
  IDEMPOTENCY_REPLAYED_HEADER,
  REQUEST_ID_HEADER,
  ERROR_CODE_HEADER,
];

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"];

/** Acts only on requests that name an origin: nobody else reads these headers. */
export function cors(settings: CorsSettings = {}): MiddlewareHandler<HttpEnv> {
  const handle = honoCors({
    origin: chooseOrigin(settings),
    allowMethods: settings.allowMethods?.includes("*") ? METHODS : (settings.allowMethods ?? METHODS),
    allowHeaders: settings.allowHeaders?.includes("*") ? [] : (settings.allowHeaders ?? []),
    exposeHeaders: [...new Set([...EXPOSED_HEADERS, ...(settings.exposeHeaders ?? [])])],
    ...(settings.allowCredentials === undefined ? {} : { credentials: settings.allowCredentials }),
    ...(settings.maxAgeSeconds === undefined ? {} : { maxAge: settings.maxAgeSeconds }),
  });
  return async (context, next) => {
    if (context.req.header("origin") === undefined) return next();
    // Chrome asks before a public page (Studio) may reach a server in a private network.
    if (context.req.header("access-control-request-private-network") === "true") {
      context.header("access-control-allow-private-network", "true");
    }
    return handle(context, next);
  };
}

function chooseOrigin(settings: CorsSettings): "*" | ((origin: string) => string | null) {
  const origins = settings.allowOrigins ?? (settings.allowOriginRegex === undefined ? ["*"] : []);
  const pattern =
    settings.allowOriginRegex === undefined ? undefined : new RegExp(`^(?:${settings.allowOriginRegex})$`);
  const isOpen = origins.includes("*");
  // Browsers refuse `*` together with credentials, so the origin itself is named then.
  if (isOpen && !settings.allowCredentials) return "*";
  return (origin) => (isOpen || origins.includes(origin) || pattern?.test(origin) ? origin : null);
}
