// An API key of the server's own: what is known of it besides its hash, and what its scopes allow.

export interface ApiKey {
  /** Names the key in lists and when it is revoked; not secret. */
  keyId: string;
  name: string;
  /** Whose things the key makes and sees. */
  owner: string;
  scopes: string[];
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

export interface NewApiKey {
  name: string;
  owner: string;
  scopes: string[];
  /** SHA-256 of the key. */
  hash: Buffer;
}

/** Sees and changes the things of every owner. */
export const ADMIN_SCOPE = "admin";

/** `*`, `admin`, a resource (`threads`, `threads:*`) or an action of one (`threads:read`, `*:search`). */
export const SCOPE_PATTERN = /^(\*|admin|(\*|assistants|threads|store|crons)(:(\*|[a-z_]+))?)$/;

/** Whether one of the scopes allows the action. */
export function allowsAction(scopes: readonly string[], resource: string, action: string): boolean {
  return scopes.some((scope) => {
    if (scope === ADMIN_SCOPE) return true;
    const [scopeResource, scopeAction = "*"] = scope.split(":");
    return (scopeResource === "*" || scopeResource === resource) && (scopeAction === "*" || scopeAction === action);
  });
}
