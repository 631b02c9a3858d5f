// Verifies JSON Web Tokens (RFC 7519) that are signed with a public key's private half.
import { constants, type KeyObject, verify } from "node:crypto";
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

interface Algorithm {
  digest: string | null;
  keyType: string;
  /** Curve of an elliptic key. */
  curve?: string;
  isPss?: boolean;
}

/** Asymmetric ones only: with a shared secret, or none, whoever can verify could also sign. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  RS256: { digest: "sha256", keyType: "rsa" },
  RS384: { digest: "sha384", keyType: "rsa" },
  RS512: { digest: "sha512", keyType: "rsa" },
  PS256: { digest: "sha256", keyType: "rsa", isPss: true },
  PS384: { digest: "sha384", keyType: "rsa", isPss: true },
  PS512: { digest: "sha512", keyType: "rsa", isPss: true },
  ES256: { digest: "sha256", keyType: "ec", curve: "prime256v1" },
  ES384: { digest: "sha384", keyType: "ec", curve: "secp384r1" },
  ES512: { digest: "sha512", keyType: "ec", curve: "secp521r1" },
  EdDSA: { digest: null, keyType: "ed25519" },
};

/** Longest token; those of large providers are below 4 KiB. */
const TOKEN_CHARS_MAX = 16_384;
/** Clocks of servers may be this far apart. */
const CLOCK_TOLERANCE_SECONDS = 30;
/** NIST SP 800-131A: shorter RSA keys are not to be trusted. */
const RSA_BITS_MIN = 2_048;

const SEGMENT = /^[A-Za-z0-9_-]+$/;

/**
 * @param findKeys the keys that may have signed a token with this header
 * @returns the token's claims
 * @throws UnauthenticatedError for whatever is wrong with the token; the text says no more than that
 */
export async function verifyJwt(
  token: string,
  findKeys: (header: JwtHeader) => Promise<KeyObject[]>,
  expected: JwtExpectations,
): Promise<JsonObject> {
  const [header, payload, signature, ...rest] = token.split(".");
  const isWhole = header && payload && signature && rest.length === 0 && token.length <= TOKEN_CHARS_MAX;
  if (!isWhole || ![header, payload, signature].every((part) => SEGMENT.test(part))) throw invalid();
  const { alg, kid, crit } = parseJson(header);
  const algorithm = typeof alg === "string" && Object.hasOwn(ALGORITHMS, alg) ? ALGORITHMS[alg] : undefined;
  // An extension that must be understood is one that is not.
  if (algorithm === undefined || crit !== undefined) throw invalid();
  const keys = await findKeys({ alg: alg as string, kid: typeof kid === "string" ? kid : undefined });
  const signed = Buffer.from(`${header}.${payload}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!keys.some((key) => isSignedBy(algorithm, key, signed, bytes))) throw invalid();
  const claims = parseJson(payload);
  checkClaims(claims, expected);
  return claims;
}

function isSignedBy(algorithm: Algorithm, key: KeyObject, signed: Buffer, signature: Buffer): boolean {
  if (key.asymmetricKeyType !== algorithm.keyType) return false;
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (algorithm.keyType === "rsa" && (modulusLength ?? 0) < RSA_BITS_MIN) return false;
  if (algorithm.curve !== undefined && namedCurve !== algorithm.curve) return false;
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const options = {
    key,
    ...(algorithm.isPss ? pss : {}),
    ...(algorithm.curve ? { dsaEncoding: "ieee-p1363" as const } : {}),
  };
  return verify(algorithm.digest, signed, options, signature);
}

function checkClaims(claims: JsonObject, { issuer, audience, now }: JwtExpectations): void {
  const seconds = now() / 1_000;
  const { iss, aud, exp, nbf } = claims;
  // Without an end a stolen token would be good for ever.
  if (typeof exp !== "number" || exp + CLOCK_TOLERANCE_SECONDS <= seconds) throw invalid("The token has expired.");
  if (nbf !== undefined && (typeof nbf !== "number" || nbf - CLOCK_TOLERANCE_SECONDS > seconds)) throw invalid();
  if (issuer !== undefined && iss !== issuer) throw invalid();
  if (audience !== undefined && !(Array.isArray(aud) ? aud : [aud]).includes(audience)) throw invalid();
}

function parseJson(segment: string): JsonObject {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, "base64url").toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Not JSON: as wrong as any other value.
  }
  throw invalid();
}

function invalid(message = "The token is not valid here."): UnauthenticatedError {
  return new UnauthenticatedError(message);
}
