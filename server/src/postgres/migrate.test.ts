// Migrates real databases: from nothing, twice at once from two processes, broken half-way, and from the future.
import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { listAppliedMigrations, listMigrations, MIGRATIONS_DIR, migrate } from "./migrate.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

async function openEmpty(): Promise<TestDatabase> {
  const database = await openTestDatabase({ migrate: false });
  onTestFinished(() => database.close());
  return database;
}

async function makeMigrationsDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-migrations-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

function migrateInProcess(url: string, dir: string): Promise<string[]> {
  const program = `import { migrate } from ${JSON.stringify(new URL("./migrate.ts", import.meta.url).href)};
    console.log(JSON.stringify(await migrate(${JSON.stringify(url)}, { dir: ${JSON.stringify(dir)} })));`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.on("exit", (code) => (code === 0 ? resolve(JSON.parse(output)) : reject(new Error(`exit code ${code}`))));
  });
}

test("applies every migration once, in order, and then nothing", async () => {
  const { url, pool } = await openEmpty();
  const known = await listMigrations();
  expect(known.length).toBeGreaterThan(0);
  expect(await migrate(url)).toEqual(known);
  expect(await listAppliedMigrations(pool)).toEqual(known);
  expect(await migrate(url)).toEqual([]);
});

test("two processes that migrate at once: one does it, the other waits and finds nothing to do", async () => {
  const { url } = await openEmpty();
  const dir = await makeMigrationsDir();
  await writeFile(join(dir, "0001_slow.sql"), "create table one (id int); select pg_sleep(1.5);");
  const [first, second] = await Promise.all([migrateInProcess(url, dir), migrateInProcess(url, dir)]);
  expect([...first, ...second]).toEqual(["0001_slow"]);
});

test("a migration that fails leaves the database as it was", async () => {
  const { url, pool } = await openEmpty();
  const dir = await makeMigrationsDir();
  await writeFile(join(dir, "0001_fine.sql"), "create table fine (id int);");
  await writeFile(join(dir, "0002_broken.sql"), "create table broken (id nonsense);");
  await expect(migrate(url, { dir })).rejects.toThrow('type "nonsense" does not exist');
  const { rows } = await pool.query<{ fine: string | null }>("select to_regclass('fine') as fine");
  expect(rows[0]?.fine).toBeNull();
  await writeFile(join(dir, "0002_broken.sql"), "create table repaired (id int);");
  expect(await migrate(url, { dir })).toEqual(["0001_fine", "0002_broken"]);
});

test("a database migrated by a newer version is refused and left alone", async () => {
  const { url, pool } = await openEmpty();
  const dir = await makeMigrationsDir();
  await cp(MIGRATIONS_DIR, dir, { recursive: true });
  await writeFile(join(dir, "9999_from_the_future.sql"), "create table future (id int);");
  await migrate(url, { dir });
  await expect(migrate(url)).rejects.toThrow(
    /migrated by a newer Holdfast: this one does not know 9999_from_the_future/,
  );
  expect(await listAppliedMigrations(pool)).toContain("9999_from_the_future");
});

test("a database that cannot be reached is named without its password", async () => {
  const failure = migrate("postgresql://someone:hunter2@127.0.0.1:1/nowhere");
  await expect(failure).rejects.toThrow("PostgreSQL at 127.0.0.1:1, database nowhere cannot be reached");
  await expect(failure).rejects.not.toThrow("hunter2");
});
