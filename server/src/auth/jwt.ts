// Verifies JSON Web Tokens (RFC 7519) that are signed with a public key's private half.
import type { KeyObject } from "node:crypto";
import { decodeProtectedHeader, errors, type JWTVerifyOptions, jwtVerify } from "jose";
import { UnauthenticatedError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";

export interface JwtExpectations {
  /** The `iss` a token must have; unset accepts any. */
  issuer: string | undefined;
  /** What `aud` must be or hold; unset accepts any. */
  audience: string | undefined;
  now: () => number;
}

export interface JwtHeader {
  alg: string;
  kid: string | undefined;
}

/** Asymmetric ones only: with a shared secret, or none, whoever can verify could also sign. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/** Longest token; those of large providers are below 4 KiB. */
const TOKEN_CHARS_MAX = 16_384;
/** Clocks of servers may be this far apart. */
const CLOCK_TOLERANCE_SECONDS = 30;

/**
 * @param findKeys the keys that may have signed a token with this header
 * @returns the token's claims
 * @throws UnauthenticatedError for whatever is wrong with the token; the text says no more than that
 */
export async function verifyJwt(
  token: string,
  findKeys: (header: JwtHeader) => Promise<KeyObject[]>,
  { issuer, audience, now }: JwtExpectations,
): Promise<JsonObject> {
  const options: JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    // Without an end a stolen token would be good for ever.
    requiredClaims: ["exp"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    currentDate: new Date(now()),
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  for (const key of await findKeys(readHeader(token))) {
    try {
      return (await jwtVerify(token, key, options)).payload as JsonObject;
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw invalid("The token has expired.");
    }
  }
  throw invalid();
}

function readHeader(token: string): JwtHeader {
  if (token.length > TOKEN_CHARS_MAX) throw invalid();
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (alg !== undefined && ALGORITHMS.includes(alg)) return { alg, kid: typeof kid === "string" ? kid : undefined };
  } catch {
    // Not a token.
  }
  throw invalid();
}

function invalid(message = "The token is not valid here."): UnauthenticatedError {
  return new UnauthenticatedError(message);
}
