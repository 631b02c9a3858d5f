// Checks what a pool promises: types, timeouts, survival of killed connections, statements with and without names.
import type pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { checkDatabase, openPool, type PoolOptions } from "./pool.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase({ migrate: false });
});
afterAll(() => database.close());

function open(options: PoolOptions): pg.Pool {
  const pool = openPool(database.url, options);
  onTestFinished(() => pool.end());
  return pool;
}

test("int8 keeps every digit, jsonb arrives as an object", async () => {
  const { rows } = await open({}).query("select 9007199254740993::int8 as big, '{\"a\":[1]}'::jsonb as json");
  expect(rows).toEqual([{ big: "9007199254740993", json: { a: [1] } }]);
});

test("a statement over its time is cancelled and the connection stays usable", async () => {
  const pool = open({ max: 1, statementTimeoutMs: 100 });
  await expect(pool.query("select pg_sleep(5)")).rejects.toThrow("statement timeout");
  expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("losing an idle connection is logged and the next query gets a new one", async () => {
  const lines: string[] = [];
  const pool = open({ max: 1, applicationName: "to be killed", log: (line) => lines.push(line) });
  await pool.query("select 1");
  const lost = new Promise((resolve) => pool.once("error", resolve));
  const killed = await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'to be killed' and datname = current_database()",
  );
  expect(killed.rowCount).toBe(1);
  await lost;
  expect(lines.join()).toContain("an idle database connection was lost");
  expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test.each([
  [true, 1],
  [false, 0],
])("with preparedStatements %s a named statement leaves %i prepared", async (preparedStatements, count) => {
  const pool = open({ max: 1, preparedStatements });
  const { rows } = await pool.query({ name: "sum", text: "select $1::int + 1 as sum", values: [41] });
  expect(rows).toEqual([{ sum: 42 }]);
  const prepared = await pool.query("select count(*)::int as count from pg_prepared_statements where name = 'sum'");
  expect(prepared.rows).toEqual([{ count }]);
});

test("an unreachable database is named without its password", async () => {
  const url = "postgresql://someone:hunter2@127.0.0.1:1/nowhere";
  const pool = openPool(url);
  onTestFinished(() => pool.end());
  const failure = checkDatabase(pool, url, 300);
  await expect(failure).rejects.toThrow(
    /^PostgreSQL at 127\.0\.0\.1:1, database nowhere cannot be used: .*ECONNREFUSED/,
  );
  await expect(failure).rejects.not.toThrow("hunter2");
  expect((await checkDatabase(database.pool, database.url)).version).toMatch(/^\d+/);
});

test("a connection lost between two statements of a transaction fails the next one, and nothing else", async () => {
  const pool = open({});
  const client = await pool.connect();
  await client.query("begin");
  const { rows } = await client.query("select pg_backend_pid() as pid");
  await database.pool.query("select pg_terminate_backend($1)", [rows[0].pid]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(client.query("select 1")).rejects.toThrow();
  client.release(true);
  expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});
