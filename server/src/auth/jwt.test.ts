// Tokens signed with real keys, good and forged, against a key set served on this machine.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { AuthUnavailableError, UnauthenticatedError } from "../domain/errors.ts";
import { Credentials } from "./credentials.ts";
import { JsonWebKeySet } from "./jwks.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const inOneHour = () => Math.floor(Date.now() / 1000) + 3600;

function token(alg: string, key: KeyObject, claims: object = {}, header: object = {}): string {
  const text = `${encode({ alg, typ: "JWT", ...header })}.${encode({ sub: "ada", exp: inOneHour(), ...claims })}`;
  const digest = alg === "EdDSA" ? null : "sha256";
  const options = alg.startsWith("ES") ? { key, dsaEncoding: "ieee-p1363" as const } : { key };
  return `${text}.${sign(digest, Buffer.from(text), options).toString("base64url")}`;
}

/** A key set that can be changed, with a count of how often it was fetched. */
async function serveKeys() {
  const state = { keys: [] as object[], fetchCount: 0, isBroken: false, url: "" };
  const server = createServer((_, response) => {
    state.fetchCount++;
    response.writeHead(state.isBroken ? 500 : 200).end(JSON.stringify({ keys: state.keys }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  return state;
}

const jwk = (key: KeyObject, more: object = {}) => ({ ...key.export({ format: "jwk" }), ...more });

async function credentials(expected: { issuer?: string; audience?: string; ownerClaim?: string } = {}) {
  const served = await serveKeys();
  served.keys = [
    jwk(rsa.publicKey, { kid: "rsa" }),
    jwk(ec.publicKey, { kid: "ec" }),
    jwk(ed.publicKey, { kid: "ed" }),
    { kty: "oct", k: Buffer.from("shared secret").toString("base64url"), kid: "secret" },
    { kty: "unheard of" },
  ];
  const jwt = { jwksUrl: served.url, issuer: undefined, audience: undefined, ownerClaim: undefined, ...expected };
  const found = new Credentials({ apiKeys: undefined, jwt });
  return (text: string) =>
    found.authenticate(new Request("http://x/", { headers: { authorization: `Bearer ${text}` } }));
}

test("tokens of every kind of key are accepted, with their claims", async () => {
  const authenticate = await credentials();
  const claims = { name: "Ada", scope: "read write" };
  for (const text of [
    token("RS256", rsa.privateKey, claims, { kid: "rsa" }),
    token("ES256", ec.privateKey, claims, { kid: "ec" }),
    token("EdDSA", ed.privateKey, claims, { kid: "ed" }),
    token("EdDSA", ed.privateKey, claims),
  ]) {
    expect(await authenticate(text)).toMatchObject({
      identity: "ada",
      displayName: "Ada",
      isAuthenticated: true,
      permissions: ["read", "write"],
      details: { owner: "ada" },
    });
  }
});

test("forged, expired and foreign tokens are refused, all alike", async () => {
  const authenticate = await credentials({ issuer: "https://id", audience: "holdfast" });
  const good = { iss: "https://id", aud: ["other", "holdfast"] };
  expect((await authenticate(token("RS256", rsa.privateKey, good))).identity).toBe("ada");
  const [header, payload, signature] = token("RS256", rsa.privateKey, good).split(".") as [string, string, string];
  const now = Math.floor(Date.now() / 1000);
  const wrong = {
    "another key": token("RS256", stranger.privateKey, good),
    "another key under a known id": token("RS256", stranger.privateKey, good, { kid: "rsa" }),
    "changed claims": `${header}.${encode({ ...good, sub: "root", exp: inOneHour() })}.${signature}`,
    "no signature": `${encode({ alg: "none" })}.${payload}.`,
    "algorithm none": `${encode({ alg: "none" })}.${payload}.${signature}`,
    "a shared secret": `${encode({ alg: "HS256", kid: "secret" })}.${payload}.${signature}`,
    "another algorithm than the key's": `${encode({ alg: "ES256", kid: "rsa" })}.${payload}.${signature}`,
    "an extension": token("RS256", rsa.privateKey, good, { crit: ["b64"], b64: false }),
    expired: token("RS256", rsa.privateKey, { ...good, exp: now - 60 }),
    "without an end": token("RS256", rsa.privateKey, { ...good, exp: undefined }),
    "not yet good": token("RS256", rsa.privateKey, { ...good, nbf: now + 600 }),
    "another issuer": token("RS256", rsa.privateKey, { ...good, iss: "https://other" }),
    "another audience": token("RS256", rsa.privateKey, { ...good, aud: "other" }),
    "no subject": token("RS256", rsa.privateKey, { ...good, sub: "" }),
    "four parts": `${header}.${payload}.${signature}.${signature}`,
    "not base64url": `${header}.${payload}.!!!`,
    "not JSON": `${Buffer.from("x").toString("base64url")}.${payload}.${signature}`,
  };
  for (const [what, text] of Object.entries(wrong)) {
    await expect(authenticate(text), what).rejects.toBeInstanceOf(UnauthenticatedError);
  }
});

test("the owner may be another claim than the subject, which must be there then", async () => {
  const authenticate = await credentials({ ownerClaim: "org" });
  const found = await authenticate(token("RS256", rsa.privateKey, { org: "acme" }));
  expect([found.identity, found.details.owner]).toEqual(["ada", "acme"]);
  await expect(authenticate(token("RS256", rsa.privateKey))).rejects.toMatchObject({ status: 403 });
});

test("keys are fetched once, again for an unknown key, but not for every one; old ones last while the provider is away", async () => {
  const served = await serveKeys();
  served.keys = [jwk(rsa.publicKey, { kid: "first" })];
  let now = 1_000_000;
  const keys = new JsonWebKeySet(served.url, () => now);
  const find = async (kid: string) => (await keys.findKeys({ alg: "RS256", kid })).length;
  expect(await Promise.all([find("first"), find("first"), find("first")])).toEqual([1, 1, 1]);
  expect(served.fetchCount).toBe(1);
  served.keys = [jwk(ec.publicKey, { kid: "second" })];
  expect([await find("second"), served.fetchCount]).toEqual([0, 1]);
  now += 11_000;
  expect([await find("second"), served.fetchCount]).toEqual([1, 2]);
  for (const kid of ["a", "b", "c"]) await find(kid);
  expect(served.fetchCount).toBe(2);
  served.isBroken = true;
  now += 60 * 60_000;
  expect(await find("second")).toBe(1);
});

test("without any keys the server says that it cannot tell, and does not ask again at once", async () => {
  const served = await serveKeys();
  served.isBroken = true;
  const keys = new JsonWebKeySet(served.url);
  for (let time = 0; time < 3; time++) {
    await expect(keys.findKeys({ alg: "RS256", kid: undefined })).rejects.toBeInstanceOf(AuthUnavailableError);
  }
  expect(served.fetchCount).toBe(1);
});
