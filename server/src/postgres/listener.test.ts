// Checks that notifications arrive, and again after the connection was cut.
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openListener } from "./listener.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase({ migrate: false });
});
afterAll(() => database.close());

/** Payloads in order of arrival, awaited one by one. */
function collect(): { push: (payload: string) => void; next: () => Promise<string> } {
  const waiting: ((payload: string) => void)[] = [];
  const arrived: string[] = [];
  return {
    push: (payload) => {
      const waiter = waiting.shift();
      waiter === undefined ? arrived.push(payload) : waiter(payload);
    },
    next: () => {
      const payload = arrived.shift();
      return payload === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(payload);
    },
  };
}

const notify = (channel: string, payload: string) =>
  database.pool.query("select pg_notify($1, $2)", [channel, payload]);

test("carries each channel to its own handler until unlistened", async () => {
  const listener = await openListener(database.url);
  onTestFinished(() => listener.close());
  const runs = collect();
  const others = collect();
  await listener.listen("runs", runs.push);
  await listener.listen('Odd "name"', others.push);
  await notify("runs", "one");
  await notify('Odd "name"', "two");
  expect(await runs.next()).toBe("one");
  expect(await others.next()).toBe("two");
  await listener.unlisten("runs");
  await notify("runs", "unheard");
  await notify('Odd "name"', "three");
  expect(await others.next()).toBe("three");
});

test("comes back after its connection was cut, says so, and hears again", async () => {
  const reconnected = collect();
  const listener = await openListener(database.url, {
    applicationName: "to be cut",
    onReconnect: () => reconnected.push("back"),
  });
  onTestFinished(() => listener.close());
  const heard = collect();
  await listener.listen("runs", heard.push);
  const cut = await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'to be cut' and datname = current_database()",
  );
  expect(cut.rowCount).toBe(1);
  expect(await reconnected.next()).toBe("back");
  await notify("runs", "after");
  expect(await heard.next()).toBe("after");
});

test("a first connection that fails is the caller's error", async () => {
  await expect(openListener("postgresql://nobody@127.0.0.1:1/nowhere")).rejects.toThrow("ECONNREFUSED");
});
