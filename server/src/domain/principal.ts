// The principal: who is asking, after authentication.
import type { JsonObject } from "./json.ts";

export interface Principal {
  identity: string;
  displayName: string;
  permissions: string[];
  isAuthenticated: boolean;
  /** Whatever else the authentication handler returned; handed to graphs as `langgraph_auth_user`. */
  details: JsonObject;
}

/** Everyone, where no authentication is configured. */
export const ANONYMOUS: Principal = {
  identity: "anonymous",
  displayName: "anonymous",
  permissions: [],
  isAuthenticated: false,
  details: {},
};
