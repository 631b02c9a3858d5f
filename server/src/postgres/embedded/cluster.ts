// Creates the database cluster once: built in a draft folder and moved into place whole, so a kill half-way leaves nothing unusable.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { ConfigurationError } from "../../domain/errors.ts";
import type { EmbeddedPlace } from "./place.ts";

const run = promisify(execFile);

/** Drafts of a process that died are removed when older than this; a live initdb takes 1-2 s. */
const DRAFT_AGE_MAX_MS = 120_000;

/** Local connections need no password because only the socket folder's owner (and root) can reach the socket; TCP needs one. */
const ACCESS_RULES = `# Written by Holdfast when the cluster was made.
local all all trust
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
`;

/** File with the password for TCP connections (used only where unix sockets cannot be). */
export function passwordFile(place: EmbeddedPlace): string {
  return join(place.rootDir, "password");
}

/**
 * Makes the cluster unless it is there.
 * @returns whether it was made by this call
 * @throws ConfigurationError when initdb fails or the existing cluster belongs to another major version.
 */
export async function ensureCluster(place: EmbeddedPlace, version: string): Promise<boolean> {
  await removeOldDrafts(place.rootDir);
  if (existsSync(join(place.clusterDir, "PG_VERSION"))) {
    await checkMajorVersion(place, version);
    return false;
  }
  const draft = join(place.rootDir, `data.tmp-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    await initDraft(place, draft);
    await rename(draft, place.clusterDir);
    return true;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (existsSync(join(place.clusterDir, "PG_VERSION"))) {
      return false; // Another process made it first.
    }
    throw error;
  }
}

async function initDraft(place: EmbeddedPlace, draft: string): Promise<void> {
  await mkdir(draft, { mode: 0o700 });
  const secret = await ensurePassword(place);
  const secretCopy = `${draft}.pw`;
  try {
    await writeFile(secretCopy, secret, { mode: 0o600 });
    if (place.account !== undefined) {
      await chown(draft, place.account.uid, place.account.gid);
      await chown(secretCopy, place.account.uid, place.account.gid);
    }
    const args = [
      ...["-D", draft, "-U", "postgres", "--pwfile", secretCopy, "--encoding=UTF8"],
      // Byte order for comparing text, Unicode rules for letters, the same on every system whatever its own locales.
      ...["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"],
      ...["--auth-local=trust", "--auth-host=scram-sha-256"],
    ];
    await run(place.binaries.initdb, args, {
      cwd: dirname(draft),
      env: serverEnvironment(),
      uid: place.account?.uid,
      gid: place.account?.gid,
    });
    await writeFile(join(draft, "pg_hba.conf"), ACCESS_RULES);
  } catch (cause) {
    const detail = ((cause as { stderr?: string }).stderr || (cause as Error).message).trim();
    const remedy = /no space left/i.test(detail)
      ? "The disk is full: free some space"
      : /could not look up effective user ID/.test(detail)
        ? "PostgreSQL needs an account that the system knows: run under a user listed in /etc/passwd (in a container, one of the image's)"
        : "Choose another folder with HOLDFAST_DATA_DIR";
    throw new ConfigurationError(
      `The embedded database could not be created in ${place.rootDir}: ${detail}. ${remedy}, or set DATABASE_URL.`,
      { cause },
    );
  } finally {
    await rm(secretCopy, { force: true });
  }
}

/** Environment of the database's processes: nothing of ours, PG* variables least of all. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return process.platform === "win32" ? {} : { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

async function ensurePassword(place: EmbeddedPlace): Promise<string> {
  const file = passwordFile(place);
  const draft = `${file}.tmp-${process.pid}-${randomBytes(4).toString("hex")}`;
  await writeFile(draft, randomBytes(24).toString("base64url"), { mode: 0o600 });
  // A link appears whole or not at all, so that a process starting at the same time never reads half a password.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") {
      throw error;
    }
  });
  await rm(draft, { force: true });
  return readFile(file, "utf8");
}

async function checkMajorVersion(place: EmbeddedPlace, version: string): Promise<void> {
  const found = (await readFile(join(place.clusterDir, "PG_VERSION"), "utf8")).trim();
  const wanted = version.split(".")[0];
  if (found !== wanted) {
    throw new ConfigurationError(
      `The data in ${place.clusterDir} was written by PostgreSQL ${found}, but this Holdfast brings PostgreSQL ${wanted}. ` +
        "Start the older Holdfast once more to dump it with pg_dump, choose another folder with HOLDFAST_DATA_DIR, or set DATABASE_URL.",
    );
  }
}

async function removeOldDrafts(rootDir: string): Promise<void> {
  for (const name of await readdir(rootDir)) {
    if (name.startsWith("data.tmp-")) {
      const path = join(rootDir, name);
      const entry = await stat(path).catch(() => undefined);
      if (entry !== undefined && Date.now() - entry.mtimeMs > DRAFT_AGE_MAX_MS) {
        await rm(path, { recursive: true, force: true });
      }
    }
  }
}
