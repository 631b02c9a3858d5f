// Who is there by the server's own means: an API key or a signed token.
import { ForbiddenError, UnauthenticatedError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import type { ApiKeyRepository } from "../domain/ports/api-key-repository.ts";
import type { Principal } from "../domain/principal.ts";
import { hashApiKey, readApiKey, readBearer } from "./api-key.ts";
import { JsonWebKeySet } from "./jwks.ts";
import { verifyJwt } from "./jwt.ts";

export interface JwtSettings {
  jwksUrl: string;
  issuer: string | undefined;
  audience: string | undefined;
  /** Claim that names the owner of what the caller makes. @default "sub" */
  ownerClaim: string | undefined;
}

export interface CredentialOptions {
  /** Set where keys are accepted. */
  apiKeys: ApiKeyRepository | undefined;
  /** Set where tokens are accepted. */
  jwt: JwtSettings | undefined;
}

/** Key of `Principal.details` that holds whose things the caller makes and sees. */
export const OWNER_DETAIL = "owner";
/** Key of `Principal.details` that says the permissions are an API key's scopes, which limit it. */
export const KEY_DETAIL = "api_key_id";

export class Credentials {
  readonly #options: CredentialOptions;
  readonly #keySet: JsonWebKeySet | undefined;

  constructor(options: CredentialOptions) {
    this.#options = options;
    this.#keySet = options.jwt === undefined ? undefined : new JsonWebKeySet(options.jwt.jwksUrl);
  }

  /** @throws UnauthenticatedError, ForbiddenError, AuthUnavailableError */
  async authenticate({ headers }: Request): Promise<Principal> {
    const { apiKeys, jwt } = this.#options;
    const key = apiKeys === undefined ? undefined : readApiKey(headers);
    if (apiKeys !== undefined && key !== undefined) return authenticateKey(apiKeys, key);
    const token = readBearer(headers);
    if (jwt !== undefined && this.#keySet !== undefined && token !== undefined) {
      return authenticateToken(token, jwt, this.#keySet);
    }
    throw new UnauthenticatedError(`Not authenticated. Send ${this.#describeWanted()}.`);
  }

  #describeWanted(): string {
    const { apiKeys, jwt } = this.#options;
    const wanted = [
      ...(apiKeys === undefined ? [] : ["an API key in x-api-key or as a bearer token"]),
      ...(jwt === undefined ? [] : ["a JSON Web Token as a bearer token"]),
    ];
    return wanted.length === 0 ? "credentials that the server's auth accepts" : wanted.join(", or ");
  }
}

async function authenticateKey(apiKeys: ApiKeyRepository, key: string): Promise<Principal> {
  const found = await apiKeys.findApiKey(hashApiKey(key));
  if (found === undefined) throw new UnauthenticatedError("The API key is not known, or was revoked.");
  return {
    identity: found.owner,
    displayName: found.name,
    permissions: found.scopes,
    isAuthenticated: true,
    details: { [OWNER_DETAIL]: found.owner, [KEY_DETAIL]: found.keyId },
  };
}

async function authenticateToken(token: string, jwt: JwtSettings, keySet: JsonWebKeySet): Promise<Principal> {
  const expected = { issuer: jwt.issuer, audience: jwt.audience, now: Date.now };
  const claims = await verifyJwt(token, (header) => keySet.findKeys(header), expected);
  const { sub } = claims;
  if (typeof sub !== "string" || sub === "") throw new UnauthenticatedError("The token names nobody (claim sub).");
  const owner = claims[jwt.ownerClaim ?? "sub"];
  if (typeof owner !== "string" || owner === "") {
    throw new ForbiddenError(`The token lacks the claim ${jwt.ownerClaim}, which says whose things these are.`);
  }
  return {
    identity: sub,
    displayName: typeof claims.name === "string" ? claims.name : sub,
    permissions: readScopes(claims),
    isAuthenticated: true,
    details: { [OWNER_DETAIL]: owner, claims },
  };
}

/** For handlers and graphs; they limit nothing by themselves, providers use them for their own ends. */
function readScopes({ scope, scp }: JsonObject): string[] {
  const scopes = scope ?? scp;
  if (typeof scopes === "string") return scopes.split(" ").filter((each) => each !== "");
  return Array.isArray(scopes) ? scopes.map(String) : [];
}
