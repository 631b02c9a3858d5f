// LangGraph Studio's way of saying who it is. It proves nothing, so it counts only where the project and the place allow it.
import type { Principal } from "../domain/principal.ts";

/** As the SDK's `isStudioUser` recognises it. */
export const STUDIO_PRINCIPAL: Principal = {
  identity: "langgraph-studio-user",
  displayName: "langgraph-studio-user",
  permissions: [],
  isAuthenticated: true,
  details: { kind: "StudioUser" },
};

export function isStudioRequest(request: Request): boolean {
  return request.headers.get("x-auth-scheme") === "langsmith";
}
