// Authentication and authorisation by the handlers of the project's `Auth` object.
import { AuthRefusedError, ForbiddenError, UnauthenticatedError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import type { AccessFilter } from "../domain/page.ts";
import type { AccessCheck, Authorizer } from "../domain/ports/authorizer.ts";
import type { Principal } from "../domain/principal.ts";
import { compileFilter } from "./access-rule.ts";
import { type AuthHandlers, findHandler, toRefusal } from "./auth-handlers.ts";
import { presentPrincipal } from "./present-principal.ts";
import { isStudioRequest, STUDIO_PRINCIPAL } from "./studio.ts";

export interface HandlerAuthorizerOptions {
  handlers: AuthHandlers;
  /** Who is there, where the `Auth` object has no `authenticate` of its own. */
  authenticate: (request: Request) => Promise<Principal>;
  /** Whether Studio's header is believed. */
  isStudioAllowed: boolean;
}

export class HandlerAuthorizer implements Authorizer {
  readonly #options: HandlerAuthorizerOptions;

  constructor(options: HandlerAuthorizerOptions) {
    this.#options = options;
  }

  async authenticate(request: Request): Promise<Principal> {
    const { handlers, authenticate, isStudioAllowed } = this.#options;
    if (isStudioAllowed && isStudioRequest(request)) return STUDIO_PRINCIPAL;
    if (handlers.authenticate === undefined) return authenticate(request);
    // Without the body: a handler that read it would leave none for the operation.
    const { url, method, headers } = request;
    try {
      return toPrincipal(await handlers.authenticate(new Request(url, { method, headers })));
    } catch (error) {
      throw toRefusal(error);
    }
  }

  async authorize(principal: Principal, check: AccessCheck): Promise<AccessFilter> {
    const { resource, action, value } = check;
    const handler = findHandler(this.#options.handlers, check);
    if (handler === undefined) return undefined;
    const { permissions } = principal;
    const user = presentPrincipal(principal);
    const event = { event: `${resource}:${action}`, resource, action, value, user, permissions };
    const result = await askHandler(() => handler(event));
    if (result === null || result === undefined || result === true) return undefined;
    if (result === false) throw new ForbiddenError("Forbidden");
    if (typeof result !== "object") {
      throw new TypeError(`The handler of ${resource}:${action} returned a ${typeof result}; see docs/guide/auth.md.`);
    }
    return compileFilter(result);
  }
}

async function askHandler(ask: () => unknown): Promise<unknown> {
  try {
    return await ask();
  } catch (error) {
    throw toRefusal(error);
  }
}

function toPrincipal(result: unknown): Principal {
  if (typeof result === "string" && result !== "") return principalOf({ identity: result });
  if (typeof result === "object" && result !== null) return principalOf(result as JsonObject);
  if (result === null || result === undefined || result === false) throw new UnauthenticatedError("Unauthorized");
  throw new TypeError(`The authenticate handler returned a ${typeof result}, not an identity.`);
}

function principalOf({ identity, permissions, display_name, is_authenticated, ...details }: JsonObject): Principal {
  if (typeof identity !== "string" || identity === "") {
    throw new TypeError("The authenticate handler returned no identity.");
  }
  // A handler may let somebody in it does not know, but only by saying so.
  if (is_authenticated === false) throw new AuthRefusedError("Unauthorized", { status: 401 });
  return {
    identity,
    displayName: typeof display_name === "string" ? display_name : identity,
    permissions: Array.isArray(permissions) ? permissions.map(String) : [],
    isAuthenticated: true,
    details,
  };
}
