// Sealing: what opens where and with which key, what stays readable for statements, and rows whose parts are under different keys.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mintId } from "../../domain/ids.ts";
import type { RunKwargs } from "../../domain/run.ts";
import { PostgresEventLog } from "../event-log.ts";
import { openPool } from "../pool.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { ContentCipher } from "./content-cipher.ts";
import { rekeyContents } from "./rekey.ts";
import { openError, openKwargs, openValuesText, sealError, sealKwargs } from "./sealed-columns.ts";

const makeKey = (keyId: string) => ({ keyId, secret: new Uint8Array(randomBytes(32)) });
const [first, second] = [makeKey("first"), makeKey("second")];

describe("a sealed text", () => {
  const cipher = new ContentCipher([first]);

  test("opens in its own column, with its own key, and only whole", () => {
    const sealed = cipher.seal("checkpoint", "Grüße \u0000 x");
    expect(cipher.seal("checkpoint", "Grüße \u0000 x")).not.toBe(sealed);
    expect(new ContentCipher([second, first]).open("checkpoint", sealed)).toBe("Grüße \u0000 x");
    expect(() => cipher.open("checkpoint_item", sealed)).toThrow('the key "first", but does not open with it');
    expect(() => new ContentCipher([second]).open("checkpoint", sealed)).toThrow('the key "first", which');
    const impostor = new ContentCipher([{ ...second, keyId: "first" }]);
    expect(() => impostor.open("checkpoint", sealed)).toThrow("does not open with it");
    for (const at of [sealed.length - 3, sealed.length - 20, "hf1:first:".length + 2]) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`;
      expect(() => cipher.open("checkpoint", changed)).toThrow("does not open with it");
    }
    expect(() => cipher.open("checkpoint", "hf1:first:")).toThrow("does not open with it");
  });

  test.each([cipher, new ContentCipher([])])(
    "values that are a plain string, as an entrypoint returns, are themselves",
    (each) => {
      expect(each.openJson("thread_values", "just text")).toBe("just text");
      expect(openValuesText(each, '"just text"')).toBe('"just text"');
      const stored = each.sealJson("thread_values", '"just text"');
      expect(openValuesText(each, stored)).toBe('"just text"');
      expect(each.openJson("thread_values", JSON.parse(stored))).toBe("just text");
    },
  );

  test("an error keeps its name for statements, and nothing else", () => {
    const error = { error: "AttemptsExhausted", message: "secret" };
    const stored = sealError(cipher, "thread_error", error) as string;
    expect(JSON.parse(stored)).toEqual({ error: "AttemptsExhausted", sealed: expect.stringMatching(/^hf1:first:/) });
    expect(openError(cipher, "thread_error", JSON.parse(stored) as object)).toEqual(error);
    expect(openError(cipher, "thread_error", error)).toEqual(error);
  });
});

describe("rekey", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  test("finds the old part of a row whose parts were written by processes with different keys", async () => {
    const [before, after] = [new ContentCipher([first]), new ContentCipher([second])];
    const kwargs = { input: { secret: 1 }, webhook: "https://x" } as unknown as RunKwargs;
    const error = { error: "E", message: "secret" };
    const parts = [
      [after, before],
      [before, after],
    ] as const;
    for (const [ofKwargs, ofError] of parts) {
      const payload = {
        kwargs: sealKwargs(ofKwargs, kwargs),
        error: JSON.parse(sealError(ofError, "run_error", error) as string),
      };
      await database.pool.query(
        "insert into webhook_delivery (delivery_id, run_id, thread_id, url, payload) values ($1, $1, $1, 'x', $2)",
        [mintId(), payload],
      );
    }
    const pool = openPool(database.url, { encryptionKeys: [second, first] });
    try {
      const changed: string[] = [];
      await rekeyContents(pool, false, ({ table, changedCount }) => {
        if (changedCount > 0) changed.push(`${table} ${changedCount}`);
      });
      expect(changed).toEqual(["webhook_delivery 2"]);
      const { rows } = await pool.query<{ payload: { kwargs: RunKwargs; error: object } }>(
        "select payload from webhook_delivery",
      );
      for (const { payload } of rows) {
        expect(openKwargs(after, payload.kwargs)).toEqual(kwargs);
        expect(openError(after, "run_error", payload.error)).toEqual(error);
      }
    } finally {
      await pool.end();
    }
  });
});

test("an event under a missing key is told as an error in its place, and other runs' events as they are", async () => {
  const database = await openTestDatabase();
  const pool = openPool(database.url, { encryptionKeys: [second] });
  try {
    const [lost, read] = [mintId(), mintId()];
    for (const [runId, key] of [
      [lost, first],
      [read, second],
    ] as const)
      await pool.query("insert into run_event (run_id, seq, event, data) values ($1, 0, 'values', $2)", [
        runId,
        new ContentCipher([key]).seal("run_event", '{"a":1}'),
      ]);
    const log = new PostgresEventLog(pool, async () => new Map());
    const cursors = [lost, read].map((runId) => ({ runId, afterSeq: -1 }));
    const pages = await log.readEvents(cursors, 10);
    expect(pages.get(read)?.events).toEqual([{ seq: 0, event: "values", data: '{"a":1}' }]);
    const [event] = pages.get(lost)?.events ?? [];
    expect(event).toMatchObject({ seq: 0, event: "error" });
    expect(JSON.parse(event?.data ?? "")).toEqual({
      error: "SealedContentError",
      message: expect.stringContaining('the key "first"'),
    });
  } finally {
    await pool.end();
    await database.close();
  }
});
