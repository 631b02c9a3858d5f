// Who may use the server: what the environment and the project file say about authentication.
import { ConfigurationError } from "../domain/errors.ts";
import type { Env } from "./env.ts";
import { isLoopbackHost } from "./loopback-host.ts";
import type { ProjectFileContent } from "./project-file-schema.ts";
import { resolveScript, type ScriptSource } from "./script-source.ts";

export interface AuthConfig {
  /** Whether nobody is asked who they are. */
  readonly isOpen: boolean;
  /** Why the API must not start like this; undefined where it may. */
  readonly refusal: string | undefined;
  /** `auth.path` of the project file. */
  readonly handlers: ScriptSource | undefined;
  readonly hasApiKeys: boolean;
  readonly jwt: JwtConfig | undefined;
  /** Whether Studio's header counts as a login. */
  readonly isStudioAllowed: boolean;
}

interface JwtConfig {
  readonly jwksUrl: string;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly ownerClaim: string | undefined;
}

/** @throws ConfigurationError */
export function buildAuthConfig(env: Env, file: string, { auth }: ProjectFileContent): AuthConfig {
  const handlers = auth?.path === undefined ? undefined : resolveScript(file, "auth.path", auth.path);
  const jwt = buildJwtConfig(env);
  const hasApiKeys = env.HOLDFAST_API_KEYS;
  const isOpen = handlers === undefined && !hasApiKeys && jwt === undefined;
  const isLocal = isLoopbackHost(env.HOST);
  return {
    isOpen,
    refusal: isOpen && !isLocal && !env.HOLDFAST_ALLOW_OPEN ? describeOpenDoor(env.HOST) : undefined,
    handlers,
    hasApiKeys,
    jwt,
    isStudioAllowed: auth?.disable_studio_auth === false && (isLocal || env.HOLDFAST_STUDIO_AUTH),
  };
}

function buildJwtConfig(env: Env): JwtConfig | undefined {
  const { HOLDFAST_JWT_JWKS_URL: jwksUrl, HOLDFAST_JWT_ISSUER: issuer, HOLDFAST_JWT_AUDIENCE: audience } = env;
  if (jwksUrl !== undefined) return { jwksUrl, issuer, audience, ownerClaim: env.HOLDFAST_JWT_OWNER_CLAIM };
  if (issuer !== undefined || audience !== undefined || env.HOLDFAST_JWT_OWNER_CLAIM !== undefined) {
    throw new ConfigurationError("HOLDFAST_JWT_JWKS_URL is not set, but other HOLDFAST_JWT_ variables are.");
  }
  return undefined;
}

function describeOpenDoor(host: string): string {
  return (
    `HOST is ${JSON.stringify(host)} and no authentication is configured: anybody who reaches this address could use the server. ` +
    "Set HOLDFAST_API_KEYS=1 and make a key with `holdfast keys create`, or set HOLDFAST_JWT_JWKS_URL, or auth.path in the " +
    "project file, or listen on 127.0.0.1 only. If something in front of the server asks who is there, set HOLDFAST_ALLOW_OPEN=1."
  );
}
