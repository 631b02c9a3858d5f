// The embedded database: a real PostgreSQL server that several Holdfast processes share, adopt after a crash and stop when the last one leaves.
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { DatabaseUnavailableError } from "../../domain/errors.ts";
import { probeBinaries } from "./binaries.ts";
import { ensureCluster } from "./cluster.ts";
import { type EmbeddedPlace, settlePlace } from "./place.ts";
import { isPostmasterAlive, isProcess, type PostmasterRecord, readPostmaster } from "./postmaster.ts";
import { joinServer, leaveServer, urlOfServer } from "./presence.ts";
import {
  type Endpoint,
  explainFailedStart,
  readOwnLog,
  removeStaleLock,
  type ServerProcess,
  spawnServer,
  stopServer,
} from "./server-process.ts";

/** Port in the socket's file name; the folder is ours alone, so it never clashes. */
const SOCKET_PORT = 5432;
/** `sun_path` holds 104 bytes on macOS, 108 on Linux; PostgreSQL adds a lock file of the same length. */
const SOCKET_PATH_BYTES_MAX = 100;
/** A start after a crash replays the log, which can take a while on a slow disk. */
const START_MAX_MS = 120_000;
const START_POLL_MS = 20;
/** Starts that fail because another server is just coming or going are tried again this often. */
const SPAWN_ATTEMPT_MAX = 5;
const RECOVERY_PAUSE_MAX_MS = 10_000;

/** What a caller may choose. */
export interface EmbeddedPostgresOptions {
  /** Holdfast's data folder; the server's files go to its `postgres` subfolder. */
  readonly dataDir: string;
  /** Receives one plain sentence per event of the server's life. */
  readonly log: (message: string) => void;
  /** @default true; false is for throw-away test databases: faster, lost with the machine. */
  readonly isDurable?: boolean;
  /** Folders to use in turn where the server's account cannot enter `dataDir` (only when started as root). */
  readonly relocationRoots?: readonly string[];
  /** @default "socket" where the path is short enough and the system has unix sockets */
  readonly endpoint?: "socket" | "tcp";
}

/** A running embedded server. Whoever opens it closes it. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** Connection URL of the `holdfast` database, for `pg` and psql alike. */
  readonly url: string;
  /** Folder that holds the cluster, the socket and `server.log`. */
  readonly dataDir: string;
  /** Folder of the executables in use. */
  readonly binDir: string;
  /** Unset where the server is reached over TCP on the loopback address. */
  readonly socketDir: string | undefined;
  readonly port: number;
  /** The server was running already: left by a killed process, or shared with a live one. */
  readonly adopted: boolean;
  /** Version of the server, for example `18.4`. */
  readonly version: string;
  /** Set when the wanted data folder could not be entered by the server's account. */
  readonly relocatedTo: string | undefined;
  /** Leaves the server; the last user stops it (fast shutdown) and waits for its end. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Starts the embedded server under `dataDir`, or joins the one that is running there.
 * @throws ConfigurationError when this system or folder cannot be used, with what to do.
 * @throws DatabaseUnavailableError when the server does not come up.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const place = await settlePlace(options.dataDir, options.relocationRoots);
  const version = await probeBinaries(place.binaries, place.account);
  if (await ensureCluster(place, version)) {
    options.log(`created a database in ${place.clusterDir}`);
  }
  const user = new EmbeddedUser(place, options);
  const adopted = await user.join();
  const record = user.record;
  return {
    url: await urlOfServer(place, record),
    dataDir: place.rootDir,
    binDir: place.binaries.binDir,
    socketDir: record.socketDir === "" ? undefined : record.socketDir,
    port: record.port,
    adopted,
    version,
    relocatedTo: place.relocatedTo,
    close: () => user.close(),
    [Symbol.asyncDispose]: () => user.close(),
  };
}

/** One process's share in the server: joins it, brings it back if it dies, leaves it. */
class EmbeddedUser {
  readonly #place: EmbeddedPlace;
  readonly #options: EmbeddedPostgresOptions;
  #endpoint: Endpoint | undefined;
  #record: PostmasterRecord | undefined;
  #presence: pg.Client | undefined;
  #recovery: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(place: EmbeddedPlace, options: EmbeddedPostgresOptions) {
    this.#place = place;
    this.#options = options;
  }

  get record(): PostmasterRecord {
    if (this.#record === undefined) {
      throw new DatabaseUnavailableError("The embedded database is not running.");
    }
    return this.#record;
  }

  /** @returns whether the server was already there */
  async join(): Promise<boolean> {
    const deadline = Date.now() + START_MAX_MS;
    let own: ServerProcess | undefined;
    let spawnCount = 0;
    while (Date.now() < deadline) {
      const record = await readPostmaster(this.#place.clusterDir);
      const presence = record === undefined ? undefined : await joinServer(this.#place, record);
      if (record !== undefined && presence !== undefined) {
        this.#watch(presence, record);
        return own?.child.pid !== record.pid;
      }
      if (own !== undefined && hasEnded(own)) {
        await this.#reconsiderEndpoint(own, spawnCount);
        own = undefined;
      }
      if (own === undefined && !(record && (await isPostmasterAlive(record.pid, this.#place.clusterDir)))) {
        if (record !== undefined && isProcess(record.pid)) {
          // Only this case is ours: PostgreSQL clears the file itself, without a race, when nobody has the number now.
          this.#options.log(`removing the lock file of a dead database server (process ${record.pid})`);
          await removeStaleLock(this.#place, record.pid);
        }
        this.#endpoint ??= await chooseEndpoint(this.#place, this.#options.endpoint);
        own = await spawnServer(this.#place, this.#endpoint, this.#options.isDurable ?? true);
        spawnCount += 1;
      }
      await sleep(START_POLL_MS);
    }
    throw new DatabaseUnavailableError(
      `The embedded database in ${this.#place.clusterDir} did not answer within ${START_MAX_MS / 1000} s. Its log is ${this.#place.logFile}.`,
    );
  }

  /** After a failed start: gives up with the reason, changes to TCP where sockets cannot be made, or lets the caller try again. */
  async #reconsiderEndpoint(own: ServerProcess, spawnCount: number): Promise<void> {
    const ownLog = await readOwnLog(this.#place, own.logOffset);
    if (this.#endpoint?.kind === "socket" && /could not create any Unix-domain sockets/.test(ownLog)) {
      this.#options.log("this file system has no unix sockets; using a TCP port on the loopback address");
      this.#endpoint = await chooseEndpoint(this.#place, "tcp");
      return;
    }
    const isTransient = /lock file .* already exists|is still in use|Address already in use/.test(ownLog);
    if (!isTransient || spawnCount >= SPAWN_ATTEMPT_MAX) {
      throw explainFailedStart(
        this.#place,
        ownLog || (own.child.pid === undefined ? "the process could not be started" : ""),
      );
    }
    await sleep(100 * spawnCount);
  }

  #watch(presence: pg.Client, record: PostmasterRecord): void {
    this.#presence = presence;
    this.#record = record;
    presence.once("end", () => {
      if (this.#presence === presence) {
        this.#presence = undefined;
        if (this.#closing === undefined) {
          this.#options.log("the embedded database went away; bringing it back");
          this.#recovery = this.#recover();
        }
      }
    });
  }

  async #recover(): Promise<void> {
    for (let pauseMs = 100; this.#closing === undefined; pauseMs = Math.min(pauseMs * 2, RECOVERY_PAUSE_MAX_MS)) {
      try {
        await this.join();
        this.#options.log("the embedded database is back");
        return;
      } catch (error) {
        this.#options.log(`the embedded database is still away: ${(error as Error).message}`);
        await sleep(pauseMs);
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#leave();
    return this.#closing;
  }

  async #leave(): Promise<void> {
    await this.#recovery;
    const presence = this.#presence;
    if (presence === undefined) {
      return;
    }
    this.#presence = undefined;
    try {
      if (await leaveServer(presence)) {
        await stopServer(this.#place);
        this.#options.log("stopped the embedded database");
      }
    } finally {
      await presence.end().catch(() => {});
    }
  }
}

function hasEnded({ child }: ServerProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function chooseEndpoint(place: EmbeddedPlace, wanted: "socket" | "tcp" | undefined): Promise<Endpoint> {
  const socketFile = join(place.socketDir, `.s.PGSQL.${SOCKET_PORT}.lock`);
  const canUseSocket = process.platform !== "win32" && Buffer.byteLength(socketFile) <= SOCKET_PATH_BYTES_MAX;
  if (canUseSocket && wanted !== "tcp") {
    return { kind: "socket", port: SOCKET_PORT };
  }
  return { kind: "tcp", port: await findFreePort() };
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
