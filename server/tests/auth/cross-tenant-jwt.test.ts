// Tenants with tokens of an identity provider: the same promises as with API keys.
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";
import { useServer } from "../harness/sdk-test.ts";
import { describeTenants } from "./tenant-contract.ts";

const pair = generateKeyPairSync("ed25519");
const keySet = JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: "jwk" }), kid: "ed" }] });
const provider = createServer((_, response) => void response.end(keySet)).listen(0, "127.0.0.1");
await once(provider, "listening");
afterAll(() => void provider.close());

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function makeToken(org: string): string {
  const claims = { sub: `somebody at ${org}`, org, iss: "https://id", exp: Math.floor(Date.now() / 1000) + 3_600 };
  const text = `${encode({ alg: "EdDSA", kid: "ed" })}.${encode(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), pair.privateKey).toString("base64url")}`;
}

const server = useServer({
  graphs: ["agent", "steps"],
  env: {
    HOLDFAST_JWT_JWKS_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks.json`,
    HOLDFAST_JWT_ISSUER: "https://id",
    HOLDFAST_JWT_OWNER_CLAIM: "org",
    HOLDFAST_SLOTS: "2",
  },
});

describeTenants({ server, as: async (owner) => ({ authorization: `Bearer ${makeToken(owner)}` }) });
