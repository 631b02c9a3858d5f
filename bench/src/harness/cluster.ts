// One deployment under test: API processes and workers against one database, each with a name that the audit and the sink know.
import pg from "pg";
import { installAudit, urlOfSession } from "./audit.ts";
import { type ServerProcess, startProcess } from "./server-process.ts";

/** A worker and the name its sessions and effects carry. */
export interface NamedProcess {
  session: string;
  server: ServerProcess;
}

export interface ClusterOptions {
  databaseUrl: string;
  workerCount: number;
  /** @default 1 */
  apiCount?: number;
  /** Settings of every process. */
  env?: Record<string, string>;
  /** Further settings of one worker, by its place. */
  workerEnv?: (index: number) => Record<string, string>;
  /** The database as one process reaches it, for example through a proxy. */
  databaseUrlOf?: (role: "api" | "worker", index: number) => string;
}

/** Connections a process may open; several processes share one small database server. */
const POOL_MAX = 5;
const WORKING_MAX_MS = 60_000;
/** What a process prints when it is ready. */
const BANNER = "Holdfast";

export class Cluster implements AsyncDisposable {
  readonly apis: NamedProcess[] = [];
  readonly workers: NamedProcess[] = [];
  /** Straight to the database, for the audit and the checks. */
  readonly pool: pg.Pool;
  readonly #options: ClusterOptions;
  #startedCount = 0;

  /** @throws with a process's output when it does not start */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      await cluster.#begin();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.pool = new pg.Pool({ connectionString: options.databaseUrl, max: 5 });
    this.pool.on("error", () => undefined);
  }

  /** Address of an API, the first by default. */
  apiUrl(index = 0): string {
    return this.apis[index % this.apis.length]!.server.url;
  }

  async startApi(index: number, port?: number): Promise<void> {
    this.apis[index] = await this.#start("api", index, port);
  }

  async startWorker(index: number): Promise<NamedProcess> {
    const worker = await this.#start("worker", index);
    this.workers[index] = worker;
    return worker;
  }

  /** Waits until a worker takes runs; one that is still loading has no manners when it is told to stop. */
  async untilWorking({ session, server }: NamedProcess): Promise<void> {
    const deadlineMs = Date.now() + WORKING_MAX_MS;
    while (!server.output().includes(BANNER)) {
      if (server.hasExited() || Date.now() > deadlineMs)
        throw new Error(`${session} did not start:\n${server.output()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.apis, ...this.workers];
    for (const { server } of all) server.child.kill("SIGCONT");
    await Promise.all(all.map(({ server }) => server.kill("SIGKILL")));
    await this.pool.end();
  }

  async #begin(): Promise<void> {
    await this.startApi(0);
    await installAudit(this.pool);
    const { workerCount, apiCount = 1 } = this.#options;
    await Promise.all([
      ...Array.from({ length: workerCount }, (_, index) => this.startWorker(index)),
      ...Array.from({ length: apiCount - 1 }, (_, index) => this.startApi(index + 1)),
    ]);
  }

  async #start(role: "api" | "worker", index: number, port?: number): Promise<NamedProcess> {
    const session = `${role}${index}.${this.#startedCount++}`;
    const { databaseUrl, databaseUrlOf, env = {}, workerEnv } = this.#options;
    const server = await startProcess({
      command: role,
      port,
      env: {
        LOG_LEVEL: "warn",
        HOLDFAST_DATABASE_POOL_MAX: String(POOL_MAX),
        ...env,
        ...(role === "worker" ? workerEnv?.(index) : {}),
        BENCH_SESSION: session,
        DATABASE_URL: urlOfSession(databaseUrlOf?.(role, index) ?? databaseUrl, session),
      },
    });
    return { session, server };
  }
}
