// Routes and middleware of the project's own (`http.app`), before the server's; and authentication ahead of them where it is asked for.
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Hono, MiddlewareHandler } from "hono";
import { presentPrincipal } from "../auth/present-principal.ts";
import { ConfigurationError } from "../domain/errors.ts";
import type { Authorizer } from "../domain/ports/authorizer.ts";
import type { CustomRoutes, HttpEnv } from "./http-services.ts";

/** Recognised by shape: the project may have its own copy of Hono. @throws ConfigurationError */
export function readCustomApp(exported: unknown, where: string): Hono {
  const isApp =
    typeof exported === "object" &&
    exported !== null &&
    typeof Reflect.get(exported, "fetch") === "function" &&
    Array.isArray(Reflect.get(exported, "routes"));
  if (!isApp) throw new ConfigurationError(`http.app: ${where} must be a Hono app: export const app = new Hono().`);
  return exported as Hono;
}

/** @param isOwnPath whether one of the server's operations answers there; these ask for themselves */
export function mountCustomRoutes(
  app: OpenAPIHono<HttpEnv>,
  custom: CustomRoutes,
  authorizer: Authorizer,
  isOwnPath: (path: string) => boolean,
): void {
  const guard = authenticateFirst(authorizer);
  if (custom.isAuthFirst) app.use(unless((path) => isOpenPath(path) || (!isOwnPath(path) && !custom.isGuarded), guard));
  for (const { method, path } of custom.app.routes) {
    const isEverywhere = path === "*" || path === "/*";
    if (!isEverywhere) app.on(method, path, label(path));
    if (!custom.isGuarded) continue;
    if (isEverywhere) app.use(unless(isOwnPath, guard));
    else app.on(method, path, guard);
  }
  app.route("/", custom.app);
}

/** Paths that everybody may ask, with what they load. */
function isOpenPath(path: string): boolean {
  return /^\/(ok|info|metrics|openapi\.json|docs(\/.*)?)?$/.test(path);
}

function unless(isExempt: (path: string) => boolean, handler: MiddlewareHandler<HttpEnv>): MiddlewareHandler<HttpEnv> {
  return (context, next) => {
    const isLetThrough = context.req.method === "OPTIONS" || isExempt(context.req.path);
    return isLetThrough ? next() : handler(context, next);
  };
}

/** Asks once per request; what follows finds the answer in the context, the project's handlers as `auth.user`. */
function authenticateFirst(authorizer: Authorizer): MiddlewareHandler<HttpEnv> {
  return async (context, next) => {
    if (context.get("principal") === undefined) {
      const principal = await authorizer.authenticate(context.req.raw);
      context.set("principal", principal);
      context.set("auth", { user: presentPrincipal(principal), scopes: principal.permissions });
    }
    await next();
  };
}

/** The log and the metrics name the route's template; an operation behind it sets its own. */
function label(path: string): MiddlewareHandler<HttpEnv> {
  return async (context, next) => {
    context.set("route", path);
    await next();
  };
}
