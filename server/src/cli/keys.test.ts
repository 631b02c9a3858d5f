// `holdfast keys` as it is installed: a key is made, listed without itself, used, revoked.
import { expect, test } from "vitest";
import { hashApiKey } from "../auth/api-key.ts";
import { PostgresApiKeyRepository } from "../postgres/api-key-repository.ts";
import { openTestDatabase } from "../postgres/testing/test-database.ts";
import { runCli } from "./testing/cli-process.ts";

test("a key is made, listed without itself, recognised, and revoked", async () => {
  const database = await openTestDatabase();
  try {
    const env = { DATABASE_URL: database.url };
    const keys = new PostgresApiKeyRepository(database.pool);
    const args = ["keys", "create", "billing service", "--owner", "acme", "--scope", "threads:*", "assistants:read"];
    const made = await runCli(args, { env });
    expect(made.code).toBe(0);
    const [key] = /hf_[\w-]{43}/.exec(made.output)!;
    expect(made.output).toContain("HOLDFAST_API_KEYS=1");
    const found = await keys.findApiKey(hashApiKey(key));
    expect(found).toMatchObject({ name: "billing service", owner: "acme", scopes: ["threads:*", "assistants:read"] });

    const listed = await runCli(["keys", "list"], { env });
    expect(listed.output).toMatch(/billing service +acme +threads:\*,assistants:read/);
    expect(listed.output).not.toContain(key);
    const { rows } = await database.pool.query("select api_key::text as text from api_key");
    expect(JSON.stringify(rows)).not.toContain(key);

    const { keyId } = found!;
    expect((await runCli(["keys", "revoke", keyId], { env })).output).toContain(`Revoked ${keyId}`);
    expect(await keys.findApiKey(hashApiKey(key))).toBeUndefined();
    const again = await runCli(["keys", "revoke", keyId], { env });
    expect([again.code, again.output]).toEqual([1, expect.stringContaining("There is no key")]);
    const wrong = await runCli(["keys", "create", "x", "--scope", "everything"], { env });
    expect([wrong.code, wrong.output]).toEqual([1, expect.stringContaining('"everything" must be *, admin')]);
  } finally {
    await database.close();
  }
}, 120_000);
