// A principal as handlers and graphs know it: LangGraph's user object.
import type { JsonObject } from "../domain/json.ts";
import type { Principal } from "../domain/principal.ts";

export function presentPrincipal({
  identity,
  displayName,
  permissions,
  isAuthenticated,
  details,
}: Principal): JsonObject {
  return {
    ...details,
    identity,
    display_name: displayName,
    is_authenticated: isAuthenticated,
    permissions,
  };
}
