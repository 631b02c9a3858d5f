// The only place where everything meets: configuration in, a running and disposable server process out.
import { createAuthorizer, refuseOpenDoor } from "./assembly/authorizer.ts";
import { createHttpSettings } from "./assembly/http-settings.ts";
import { type LongTermMemory, openLongTermMemory } from "./assembly/long-term-memory.ts";
import { openBus } from "./assembly/open-bus.ts";
import { startSideWork } from "./assembly/side-work.ts";
import { ensureSystemAssistants } from "./assembly/system-assistants.ts";
import { openUsage, type Usage } from "./assembly/usage.ts";
import { createUserInterfaces } from "./assembly/user-interfaces.ts";
import { createWebhooks, type Webhooks } from "./assembly/webhook-delivery.ts";
import type { Config } from "./config/config.ts";
import { readThreadRetention } from "./config/thread-retention.ts";
import type { EventBus } from "./domain/ports/event-bus.ts";
import { createGraphRuntime, type GraphRuntime } from "./graphs/graph-runtime.ts";
import { toWireValue } from "./graphs/wire-json.ts";
import { createHttpApp } from "./http/http-app.ts";
import type { HttpServices } from "./http/http-services.ts";
import { serveHttp } from "./http/serve-http.ts";
import { createLogger, subsystemLogger } from "./observability/logger.ts";
import { createMetrics, type Metrics } from "./observability/metrics.ts";
import { createReport, type Report } from "./observability/report.ts";
import { type Database, openDatabase } from "./postgres/database.ts";
import { startLeaseKeeper } from "./postgres/lease-keeper/lease-keeper.ts";
import { createPersistence, type Persistence } from "./postgres/persistence.ts";
import { truncateDatabase } from "./postgres/truncate.ts";
import { Engine } from "./runs/engine.ts";
import type { EngineLimits } from "./runs/limits.ts";
import { Worker } from "./runs/worker.ts";
import { HOLDFAST_VERSION, LANGGRAPH_VERSION } from "./version.ts";

/** What a process does. Both in one is `holdfast dev`. */
export interface Roles {
  api: boolean;
  worker: boolean;
}

export interface App extends AsyncDisposable {
  /** Where the API listens, for example `http://127.0.0.1:8123`; unset without it. */
  address?: string;
  /** Which database, for people. */
  databaseDescription: string;
  /** Makes every graph load again from its file on next use. */
  reloadGraphs(): void;
  /** Takes no new work and lets what is in flight finish or move on at a superstep boundary. */
  drain(): Promise<void>;
}

/** How long open requests may go on when the process stops. */
const HTTP_CLOSE_GRACE_MS = 2_000;

/** Closes what was opened, last first; goes on when one fails. */
class Closers {
  readonly #closers: (() => Promise<unknown>)[] = [];

  add(close: () => Promise<unknown>): void {
    this.#closers.unshift(close);
  }

  async closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close().catch(() => undefined);
  }
}

/** What happens beside the start of a process. */
export interface StartHooks {
  /** The database is there and migrated: other processes may use it. */
  onDatabaseOpen?(): void;
  /** Waited for before the API takes requests. */
  beforeListening?(): Promise<void>;
}

/**
 * Starts a process. What was opened is closed again when the start fails.
 * @throws ConfigurationError, DatabaseUnavailableError, GraphLoadError
 */
export async function createApp(config: Config, roles: Roles, hooks: StartHooks = {}): Promise<App> {
  const closers = new Closers();
  try {
    return await assemble(config, roles, closers, hooks);
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function assemble(config: Config, roles: Roles, closers: Closers, hooks: StartHooks): Promise<App> {
  if (roles.api) refuseOpenDoor(config);
  const logger = createLogger({ level: config.log.level, pretty: isPretty(config) });
  const metrics = createMetrics({ withProcessMetrics: true });
  const report = createReport(logger, metrics);
  const databaseLog = subsystemLogger(logger, "database");
  const database = await openDatabase({
    url: config.secrets.databaseUrl,
    directUrl: config.secrets.directDatabaseUrl,
    ...config.database,
    encryptionKeys: config.secrets.encryptionKeys,
    log: (message) => databaseLog.info(message),
  });
  closers.add(async () => database[Symbol.asyncDispose]());
  hooks.onDatabaseOpen?.();
  const persistence = createPersistence(database.pool, toWireValue, config.limits);
  const memory = await openLongTermMemory(database, config.project);
  const usage = openUsage(config.project, persistence, { report, isWorker: roles.worker });
  const graphs = openGraphs({ config, persistence, memory, usage, report });
  closers.add(() => graphs.close());
  await graphs.loadGraphs();
  await ensureSystemAssistants(persistence.assistants, graphs.catalog.listGraphs(), config.graphDefaults);
  // Before the first run, or its events would go where a whole day cannot be dropped at once.
  if (roles.worker) await persistence.retention.maintainEventLog({ isMeasured: false });
  let address: string | undefined;
  const webhooks = createWebhooks({ config, database, persistence, graphs, report, address: () => address });
  const opened = await openBus({ database, redisUrl: config.secrets.redisUrl, isWorker: roles.worker, report });
  closers.add(async () => opened[Symbol.asyncDispose]());
  const { bus, processId: workerId } = opened;
  const limits = engineLimits(config);
  const parts = { config, persistence, database, graphs, bus, limits, memory, usage, webhooks, report };
  const worker = roles.worker
    ? startWorker({ workerId, database, config, persistence, bus, graphs, limits, report })
    : undefined;
  if (worker !== undefined) {
    closers.add(async () => worker[Symbol.asyncDispose]());
    const sideWork = startSideWork({ ...parts, workerId });
    closers.add(async () => sideWork[Symbol.asyncDispose]());
  }
  if (roles.api) await hooks.beforeListening?.();
  const api = roles.api ? await startApi({ ...parts, metrics, worker, closers }) : undefined;
  address = api?.address;
  if (roles.api) void graphs.readTypes();
  connectGauges(metrics, { database, worker, config });
  return {
    address: api?.address,
    databaseDescription: database.description,
    reloadGraphs: () => graphs.reloadGraphs(),
    async drain() {
      api?.engine.drain();
      await worker?.drain();
    },
    [Symbol.asyncDispose]: () => closers.closeAll(),
  };
}

function openGraphs(parts: {
  config: Config;
  persistence: Persistence;
  memory: LongTermMemory;
  usage: Usage;
  report: Report;
}): GraphRuntime {
  const { config, persistence, memory, usage, report } = parts;
  return createGraphRuntime({
    graphs: graphDefinitions(config),
    projectDir: config.project.dir,
    openCheckpointer: persistence.openCheckpointer,
    effects: persistence.effects,
    modelGate: persistence.modelGate,
    ...(usage.accountant === undefined ? {} : { modelAccounts: usage.accountant }),
    nodeTimeoutMs: config.workers.nodeTimeoutMs,
    store: memory.graphStore,
    types: {
      repository: persistence.graphSchemas,
      timeoutMs: config.limits.schemaTimeoutMs,
      onExtracted: (extraction) => report.schemasExtracted(extraction),
    },
  });
}

interface EngineParts {
  persistence: Persistence;
  bus: EventBus;
  graphs: GraphRuntime;
  limits: EngineLimits;
  report: Report;
}

function startWorker(parts: EngineParts & { workerId: string; database: Database; config: Config }): Worker {
  const { workerId, database, config, persistence, bus, graphs, limits, report } = parts;
  const { preparedStatements } = config.database;
  const { queue, log } = persistence;
  const worker = new Worker({
    workerId,
    queue,
    log,
    bus,
    executor: graphs.executor,
    limits,
    report,
    startLeaseKeeper: (options, listener) =>
      startLeaseKeeper({ url: database.url, preparedStatements, ...options }, listener),
  });
  worker.start();
  report.workerStarted({ workerId, slotsMax: limits.slotsMax, pid: process.pid });
  return worker;
}

type ApiParts = EngineParts & {
  config: Config;
  memory: LongTermMemory;
  usage: Usage;
  webhooks: Webhooks;
  metrics: Metrics;
  database: Database;
  worker: Worker | undefined;
  closers: Closers;
};

async function startApi(parts: ApiParts): Promise<{ address: string; engine: Engine }> {
  const { config, persistence, graphs, report, metrics, database, closers } = parts;
  const authorizer = await createAuthorizer(config, persistence.apiKeys);
  if (config.auth.isOpen) report.apiOpen({ host: config.http.host });
  const engine = new Engine({
    ...parts,
    ...persistence,
    catalog: graphs.catalog,
    stateReader: graphs.stateReader,
    stateWriter: graphs.stateWriter,
  });
  closers.add(async () => engine[Symbol.dispose]());
  const userInterfaces = createUserInterfaces(config.project);
  const services: HttpServices = {
    ...persistence,
    store: parts.memory.store,
    webhooks: parts.webhooks.policy,
    budgets: parts.usage.budgets,
    graphs: graphs.catalog,
    threadStates: graphs.stateReader,
    engine,
    authorizer,
    ...(userInterfaces === undefined ? {} : { userInterfaces }),
    readiness: async () => {
      await database.pool.query("select 1");
    },
    info: { version: HOLDFAST_VERSION, langgraphVersion: LANGGRAPH_VERSION },
    metrics,
    report,
    ...(config.http.isTruncateAllowed ? { truncate: (targets) => truncateDatabase(database.pool, targets) } : {}),
  };
  const app = createHttpApp(services, await createHttpSettings(config));
  const server = await serveHttp(app, { host: config.http.host, port: config.http.port });
  closers.add(() => server.close(HTTP_CLOSE_GRACE_MS));
  return { address: server.address.url, engine };
}

function isPretty({ log }: Config): boolean {
  return log.format === "text" || (log.format === "auto" && process.stdout.isTTY === true);
}

function graphDefinitions(config: Config) {
  return Object.fromEntries(
    Object.entries(config.project.graphs).map(([graphId, { file, exportName, description }]) => [
      graphId,
      { path: file, exportName, description },
    ]),
  );
}

function engineLimits({ workers, limits, project }: Config): EngineLimits {
  return {
    defaultThreadTtl: readThreadRetention(project.content).defaultTtl,
    leaseDurationMs: workers.leaseDurationMs,
    heartbeatIntervalMs: workers.heartbeatIntervalMs,
    pollIntervalMs: workers.pollIntervalMs,
    attemptMax: workers.attemptMax,
    slotsMax: workers.slots,
    queueDepthMax: limits.queueDepthMax,
    idempotencyRetentionMs: limits.idempotencyRetentionMs,
    runTimeoutMs: workers.runTimeoutMs,
    idleTimeoutMs: workers.idleTimeoutMs,
    drainGraceMs: workers.drainGraceMs,
  };
}

function connectGauges(
  metrics: Metrics,
  parts: { database: Database; worker: Worker | undefined; config: Config },
): void {
  const { database, worker, config } = parts;
  metrics.connectSources({
    pool: () => ({
      max: config.database.poolMax,
      size: database.pool.totalCount,
      available: database.pool.idleCount,
    }),
    ...(worker === undefined ? {} : { workers: () => ({ max: worker.slotsMax, active: worker.activeCount }) }),
    runs: async () => {
      const { rows } = await database.pool.query<{ pending: number; running: number }>(
        `select count(*) filter (where status = 'pending')::int as pending,
           count(*) filter (where status = 'running')::int as running
         from run where status in ('pending', 'running')`,
      );
      return rows[0]!;
    },
  });
}
