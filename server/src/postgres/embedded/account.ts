// Decides under which account the embedded server runs, and whether that account can reach a folder.
import { readFileSync } from "node:fs";
import { chmod, chown, mkdir, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** An unprivileged account of the operating system. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

/** Ids of `nobody` on every Linux distribution that does not say otherwise in its account file. */
const NOBODY_ID = 65_534;

/**
 * The account to start PostgreSQL under, which refuses to run as root.
 * @returns `undefined` when this process is not root: the server then runs as the caller.
 */
export async function chooseAccount(existingDataDir: string): Promise<ServerAccount | undefined> {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  // A data folder that an ordinary user made before stays theirs, so that they can start it again without root.
  const owner = await stat(existingDataDir).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) {
    return { uid: owner.uid, gid: owner.gid };
  }
  return readNobody();
}

/** `nobody` as the account file has it (its ids are negative on macOS). */
export function readNobody(accountFile = "/etc/passwd"): ServerAccount {
  try {
    const line = readFileSync(accountFile, "utf8")
      .split("\n")
      .find((entry) => entry.startsWith("nobody:"));
    const [, , uid, gid] = line?.split(":") ?? [];
    if (uid && gid) {
      return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
    }
  } catch {
    // No account file at all (a minimal container): the usual ids still work.
  }
  return { uid: NOBODY_ID, gid: NOBODY_ID };
}

/** Whether `account` can enter `dir` and every folder above it, judged by permission bits. */
export async function canEnter(account: ServerAccount, dir: string): Promise<boolean> {
  for (let path = await realpath(dir); ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const executeBit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & executeBit) === 0) {
      return false;
    }
    if (path === dirname(path)) {
      return true;
    }
  }
}

/**
 * Makes `dir` a private folder (0700) of `account`.
 * @returns false where that cannot be: a folder above is closed to the account, or the file system refuses a change of owner.
 */
export async function giveDirTo(account: ServerAccount | undefined, dir: string): Promise<boolean> {
  await makeOpenDir(dirname(dir));
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (account === undefined) {
    return true;
  }
  try {
    await chown(dir, account.uid, account.gid);
  } catch {
    return false;
  }
  return canEnter(account, dir);
}

/** Creates `dir` so that other accounts may pass through it, whatever the umask; an existing folder keeps its permissions. */
export async function makeOpenDir(dir: string): Promise<void> {
  const firstCreated = await mkdir(dir, { recursive: true, mode: 0o755 });
  if (firstCreated === undefined) {
    return;
  }
  for (let path = dir; path.length >= firstCreated.length; path = dirname(path)) {
    await chmod(path, 0o755);
  }
}
