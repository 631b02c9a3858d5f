// Proves that test files get separate, migrated databases and leave nothing behind.
import { expect, test } from "vitest";
import { listAppliedMigrations, listMigrations } from "../migrate.ts";
import { openTestDatabase } from "./test-database.ts";

test("two databases are migrated, apart from each other, and gone after close", async () => {
  const [one, two] = await Promise.all([openTestDatabase(), openTestDatabase()]);
  expect(await listAppliedMigrations(one.pool)).toEqual(await listMigrations());
  await one.pool.query("create table only_here (id int)");
  await expect(two.pool.query("select * from only_here")).rejects.toThrow("does not exist");
  const { rows } = await one.pool.query<{ name: string }>("select current_database() as name");
  await one.close();
  const left = await two.pool.query("select 1 from pg_database where datname = $1", [rows[0]?.name]);
  expect(left.rowCount).toBe(0);
  await two.close();
});

test("migrate: false gives an empty database", async () => {
  const database = await openTestDatabase({ migrate: false });
  expect(await listAppliedMigrations(database.pool)).toEqual([]);
  await database.close();
});
