// Who is asking, and what they may see: asked by every route before it touches anything.
import type { JsonObject } from "../json.ts";
import type { AccessFilter } from "../page.ts";
import type { Principal } from "../principal.ts";

export type Resource = "assistants" | "threads" | "store" | "crons";

export interface AccessCheck {
  resource: Resource;
  /** LangGraph's action names, for example `create`, `read`, `update`, `delete`, `search`, `create_run`. */
  action: string;
  /** The request in wire form; a handler may change it, and what it changed is what counts. */
  value: JsonObject;
}

export interface Authorizer {
  /** @throws UnauthenticatedError */
  authenticate(request: Request): Promise<Principal>;
  /** What the principal may see of the resource; `undefined` is everything. @throws ForbiddenError */
  authorize(principal: Principal, check: AccessCheck): Promise<AccessFilter>;
}
