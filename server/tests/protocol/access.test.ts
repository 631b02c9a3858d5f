// Who hears a thread that does not exist yet when the stream is opened: only who may see it once it does.
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { hashApiKey, mintApiKey } from "../../src/auth/api-key.ts";
import { PostgresApiKeyRepository } from "../../src/postgres/api-key-repository.ts";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { TapeReader } from "../harness/tape-reader.ts";

const server = useServer({ graphs: ["talk"], env: { HOLDFAST_API_KEYS: "1" } });

async function makeKey(owner: string): Promise<Record<string, string>> {
  const key = mintApiKey();
  const keys = new PostgresApiKeyRepository(server.database.pool);
  await keys.createApiKey({ name: owner, owner, scopes: ["*"], hash: hashApiKey(key) });
  return { "x-api-key": key };
}

test("A stream that waits for a thread of somebody else hears nothing of it and is dropped", async () => {
  const [ada, bob] = [await makeKey("ada"), await makeKey("bob")];
  const threadId = randomUUID();
  const selection = { channels: ["lifecycle", "values", "messages"] };
  await using hers = await TapeReader.open(server.url, threadId, selection, ada);
  await using his = await TapeReader.open(server.url, threadId, selection, bob);
  const params = { assistant_id: "talk", input: { messages: [{ type: "human", content: "secret" }] } };
  await send("POST", `${server.url}/threads/${threadId}/commands`, { id: 1, method: "run.start", params }, ada);
  await hers.untilEnds();
  await expect.poll(() => his.failure, { timeout: 15_000 }).toBeDefined();
  expect(his.frames).toEqual([]);
  await expect(TapeReader.open(server.url, threadId, selection, bob)).rejects.toThrow(/^404 /);
});
