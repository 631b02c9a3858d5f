// Settles where the embedded server's data, socket and binaries lie, and moves them where the server's account can reach them.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ConfigurationError } from "../../domain/errors.ts";
import { canEnter, chooseAccount, giveDirTo, makeOpenDir, readNobody, type ServerAccount } from "./account.ts";
import {
  canWriteBinaries,
  copyBinaries,
  hasSymlinks,
  locateBinaries,
  type PostgresBinaries,
  restoreSymlinks,
} from "./binaries.ts";

/** Everything the launcher needs to know about the disk. */
export interface EmbeddedPlace {
  /** Holdfast's folder for the embedded server: contains `data`, `run`, `server.log`. */
  readonly rootDir: string;
  /** PostgreSQL's own data directory. */
  readonly clusterDir: string;
  /** Folder of the unix socket. */
  readonly socketDir: string;
  readonly logFile: string;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  /** Set when the wanted folder could not be used by the server's account. */
  readonly relocatedTo: string | undefined;
}

/**
 * Folders tried in turn when the wanted one cannot be entered. `/var/tmp` and the temporary folder come last: systems may clean them by age.
 */
const RELOCATION_ROOTS: readonly string[] = ["/var/lib/holdfast", "/var/tmp/holdfast", join(tmpdir(), "holdfast")];

/**
 * Prepares the folders for an embedded server whose data is wanted under `dataDir`.
 * @throws ConfigurationError when no folder can be used.
 */
export async function settlePlace(
  dataDir: string,
  relocationRoots: readonly string[] = RELOCATION_ROOTS,
): Promise<EmbeddedPlace> {
  const wanted = join(resolve(dataDir), "postgres");
  const account = await chooseAccount(join(wanted, "data"));
  try {
    if (await canUse(account, wanted)) {
      return describePlace(wanted, account, await reachableBinaries(account, wanted, relocationRoots), undefined);
    }
  } catch (cause) {
    throw unusableDir(wanted, cause);
  }
  for (const root of relocationRoots) {
    const moved = join(root, createHash("sha256").update(wanted).digest("hex").slice(0, 16));
    if (await isUsableRelocation(account, root, moved)) {
      return describePlace(moved, account, await reachableBinaries(account, moved, relocationRoots), moved);
    }
  }
  throw new ConfigurationError(
    `PostgreSQL refuses to run as root, and the unprivileged account it is started under can enter neither ${wanted} nor ${relocationRoots.join(", ")}. ` +
      "Run Holdfast as an ordinary user, set HOLDFAST_DATA_DIR to a folder every user can enter, or set DATABASE_URL.",
  );
}

function describePlace(
  rootDir: string,
  account: ServerAccount | undefined,
  binaries: PostgresBinaries,
  relocatedTo: string | undefined,
): EmbeddedPlace {
  return {
    rootDir,
    clusterDir: join(rootDir, "data"),
    socketDir: join(rootDir, "run"),
    logFile: join(rootDir, "server.log"),
    binaries,
    account,
    relocatedTo,
  };
}

async function canUse(account: ServerAccount | undefined, rootDir: string): Promise<boolean> {
  const isGiven = (await giveDirTo(account, rootDir)) && (await giveDirTo(account, join(rootDir, "run")));
  await access(rootDir, constants.R_OK | constants.W_OK | constants.X_OK);
  return isGiven;
}

async function isUsableRelocation(account: ServerAccount | undefined, root: string, moved: string): Promise<boolean> {
  try {
    await makeOpenDir(root);
    // In a folder open to all, somebody else could have put a folder of this name there first.
    const existing = await stat(moved).catch(() => undefined);
    const trusted = [0, account?.uid ?? process.getuid?.(), readNobody().uid];
    return (existing === undefined || trusted.includes(existing.uid)) && (await canUse(account, moved));
  } catch {
    return false;
  }
}

/** The installed binaries where they can be used in place, else a copy of them. */
async function reachableBinaries(
  account: ServerAccount | undefined,
  rootDir: string,
  relocationRoots: readonly string[],
): Promise<PostgresBinaries> {
  const installed = locateBinaries();
  const isComplete = await hasSymlinks(installed);
  if (account === undefined || (await canEnter(account, installed.binDir))) {
    if (isComplete || (await canWriteBinaries(installed))) {
      await restoreSymlinks(installed.nativeDir);
      return installed;
    }
  }
  for (const root of account === undefined ? [rootDir] : [...relocationRoots, rootDir]) {
    try {
      await makeOpenDir(root);
      if (account === undefined || (await canEnter(account, root))) {
        return await copyBinaries(installed, root);
      }
    } catch {
      // Not writable or full: the next folder may do.
    }
  }
  throw new ConfigurationError(
    `The PostgreSQL binaries in ${installed.binDir} cannot be used in place and could not be copied. Set DATABASE_URL to a PostgreSQL server of your own.`,
  );
}

function unusableDir(dir: string, cause: unknown): ConfigurationError {
  if (cause instanceof ConfigurationError) {
    return cause;
  }
  const { code, message } = cause as NodeJS.ErrnoException;
  const remedy =
    code === "ENOSPC"
      ? "The disk is full: free some space"
      : "Check its permissions and who owns it, choose another folder with HOLDFAST_DATA_DIR";
  return new ConfigurationError(
    `The embedded database cannot use ${dir}: ${message}. ${remedy}, or set DATABASE_URL.`,
    { cause },
  );
}
