// Checks how binaries are found, completed and explained when unusable.
import { chmod, mkdir, mkdtemp, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { describeBinaries, hasSymlinks, locateBinaries, probeBinaries, restoreSymlinks } from "./binaries.ts";

async function makeDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-binaries-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test("a platform without binaries is told which have them and what to do", () => {
  expect(() => locateBinaries("sunos-sparc")).toThrow(
    /no embedded PostgreSQL for sunos-sparc .*linux-x64.*DATABASE_URL/s,
  );
});

test("library links that the package could not carry are made again, once", async () => {
  const dir = await makeDir();
  const native = join(dir, "native");
  await mkdir(join(native, "lib"), { recursive: true });
  await writeFile(join(native, "lib", "libx.so.1.2"), "");
  const links = [{ source: "native/lib/libx.so.1.2", target: "native/lib/libx.so.1" }];
  await writeFile(join(native, "pg-symlinks.json"), JSON.stringify(links));
  expect(await hasSymlinks(describeBinaries(native))).toBe(false);
  await Promise.all([restoreSymlinks(native), restoreSymlinks(native)]);
  expect(await hasSymlinks(describeBinaries(native))).toBe(true);
  expect(await readlink(join(native, "lib", "libx.so.1"))).toBe("libx.so.1.2");
});

test("binaries that cannot run say why", async () => {
  const native = join(await makeDir(), "native");
  const binaries = describeBinaries(native);
  await mkdir(binaries.binDir, { recursive: true });
  await writeFile(binaries.initdb, "#!/bin/sh\necho 'libicu missing' >&2\nexit 127\n");
  await chmod(binaries.initdb, 0o755);
  await expect(probeBinaries(binaries)).rejects.toThrow(/cannot run here: libicu missing.*DATABASE_URL/s);
});
