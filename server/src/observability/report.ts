// One function per fact worth knowing: each writes its log line and its metric together.
import type { Logger } from "./logger.ts";
import { subsystemLogger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

export interface RequestServed {
  requestId: string;
  method: string;
  /** The path's template, never the path itself: ids would make every line and metric unique. */
  route: string;
  status: number;
  durationMs: number;
  /** Streams and waits last as long as their run; they are left out of the latency metric. */
  isLongLived: boolean;
  /** The client went away before the answer was complete. */
  isAborted: boolean;
  /** Request headers that the project wants in the log. */
  headers?: Record<string, string>;
}

export interface RequestFailed {
  requestId: string;
  method: string;
  route: string;
  error: unknown;
}

interface RunFact {
  runId: string;
  threadId: string;
}

interface WebhookFact {
  deliveryId: string;
  runId: string;
  attempt: number;
}

interface ModelCallFact {
  runId: string;
  provider: string | null;
  model: string;
  outcome: string;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  /** US dollars; null where the price is unknown. */
  cost: number | null;
  latencyMs: number;
}

export interface Report {
  requestServed(fact: RequestServed): void;
  /** A failure that is in no catalogue: the client gets the request id, the log everything else. */
  requestFailed(fact: RequestFailed): void;
  streamOpened(): void;
  streamClosed(fact: { eventCount: number }): void;
  streamCutOff(fact: { requestId: string; bufferedBytes: number }): void;
  runCreated(fact: RunFact & { assistantId: string; strategy: string }): void;
  runClaimed(fact: RunFact & { workerId: string; attempt: number; queueWaitMs: number }): void;
  runEnded(fact: RunFact & { status: string; attempt: number; durationMs: number; error?: string }): void;
  /** Leases that ran out were found and their runs returned to the queue. */
  runsRequeued(fact: { runIds: string[] }): void;
  /** The run goes back to the queue unfinished because this process is draining. */
  runReleased(fact: RunFact & { workerId: string }): void;
  leaseLost(fact: RunFact & { workerId: string }): void;
  attemptsExhausted(fact: RunFact & { attempt: number; reason: string }): void;
  /** The schemas of a graph that is described by TypeScript types were read, found in the cache, or cannot be read. */
  schemasExtracted(fact: { graphId: string; durationMs: number; isCached: boolean; error?: unknown }): void;
  /** The API asks nobody who they are. */
  apiOpen(fact: { host: string }): void;
  workerStarted(fact: { workerId: string; slotsMax: number; pid: number }): void;
  /** A call of a model ended, well or not. */
  modelCalled(fact: ModelCallFact): void;
  /** What a call used could not be written down now; it will be estimated. */
  usageUnsettled(fact: { callId: string; error: unknown }): void;
  /** Something in the worker's own loop failed in a way that is in no catalogue. */
  workerFailed(fact: { workerId: string; doing: string; error: unknown }): void;
  workerDied(fact: { workerId: string; pid: number; cause: string }): void;
  /** What nobody could ask for any more was removed. */
  agedOut(fact: { what: string; count: number }): void;
  /** The index over the store's embeddings was built or dropped. */
  storeIndexed(fact: { what: string }): void;
  workerDrained(fact: { workerId: string; releasedCount: number; durationMs: number }): void;
  /** A notice of an ended run was acknowledged by its receiver. */
  webhookDelivered(fact: WebhookFact & { durationMs: number }): void;
  /** An attempt failed; the notice will be tried again. */
  webhookFailed(fact: WebhookFact & { reason: string; retryInMs: number }): void;
  webhookGivenUp(fact: WebhookFact & { reason: string }): void;
  /** An attempt's outcome could not be written down; the notice becomes due again by itself. */
  webhookUnsettled(fact: { deliveryId: string; error: unknown }): void;
  /** A tick of a cron started a run. */
  cronFired(fact: { cronId: string; runId: string; lateMs: number }): void;
  /** A tick passed without a run. */
  cronSkipped(fact: { cronId: string; reason: string }): void;
  databaseUnavailable(fact: { subsystem: string; error: unknown }): void;
  databaseRecovered(fact: { subsystem: string; downMs: number }): void;
  /** The process hears no notifications: what other processes do is found by polling. */
  noticesUnheard(fact: { hasRedis: boolean }): void;
  /** Redis is away; hints go over PostgreSQL until it is back. */
  redisLost(fact: { error: unknown }): void;
  redisBack(fact: { downMs: number }): void;
  /** Synchronous code kept every other run of the process waiting; `where` names the node where it could be seen. */
  eventLoopBlocked(fact: { workerId: string; blockedMs: number; where: string | undefined; runIds: string[] }): void;
}

/** Paths that probes ask all the time; served at `debug`. */
const PROBE_ROUTES = new Set(["/ok", "/metrics"]);

/** The reports of one process. */
export function createReport(root: Logger, metrics: Metrics): Report {
  return {
    ...reportRequests(subsystemLogger(root, "http"), metrics),
    ...reportRuns(subsystemLogger(root, "runs"), metrics),
    ...reportWorkers(subsystemLogger(root, "worker"), metrics),
    ...reportUsage(subsystemLogger(root, "usage"), metrics),
    ...reportWebhooks(subsystemLogger(root, "webhooks"), metrics),
    ...reportCrons(subsystemLogger(root, "crons"), metrics),
    ...reportDatabase(subsystemLogger(root, "database"), metrics),
    ...reportEventBus(subsystemLogger(root, "event bus")),
  };
}

type RequestReport = Pick<
  Report,
  "requestServed" | "requestFailed" | "streamOpened" | "streamClosed" | "streamCutOff" | "apiOpen" | "schemasExtracted"
>;

function reportRequests(log: Logger, metrics: Metrics): RequestReport {
  return {
    requestServed(fact) {
      const { method, route, status, durationMs, isLongLived, isAborted, requestId, headers } = fact;
      metrics.httpRequests.inc({ method, path: route, status: String(status) });
      if (!isLongLived) metrics.httpLatency.observe({ method, path: route }, durationMs);
      const line = {
        method,
        route,
        status,
        ms: Math.round(durationMs * 10) / 10,
        requestId,
        ...(headers && { headers }),
      };
      const fields = isAborted ? { ...line, aborted: true } : line;
      if (status >= 500) log.error(fields, "request");
      else if (PROBE_ROUTES.has(route)) log.debug(fields, "request");
      else log.info(fields, "request");
    },
    requestFailed: ({ error, ...fields }) => log.error({ ...fields, err: error }, "request failed"),
    schemasExtracted({ graphId, durationMs, isCached, error }) {
      if (error === undefined) log.info({ graphId, durationMs, isCached }, "schemas read off a graph's types");
      else
        log.warn({ graphId, durationMs, err: error }, "a graph's types cannot be read; its schemas show channels only");
    },
    apiOpen: (fact) => log.warn(fact, "open: nobody is asked who they are"),
    streamOpened: () => metrics.streamsOpen.inc(),
    streamClosed({ eventCount }) {
      metrics.streamsOpen.dec();
      metrics.eventsStreamed.inc(eventCount);
    },
    streamCutOff(fact) {
      metrics.streamsCutOff.inc();
      log.warn(fact, "stream cut off: the client reads too slowly");
    },
  };
}

type RunReport = Pick<
  Report,
  "runCreated" | "runClaimed" | "runEnded" | "runsRequeued" | "runReleased" | "leaseLost" | "attemptsExhausted"
>;

function reportRuns(log: Logger, metrics: Metrics): RunReport {
  return {
    runCreated(fact) {
      metrics.runsCreated.inc({ strategy: fact.strategy });
      log.debug(fact, "run created");
    },
    runClaimed(fact) {
      if (fact.attempt === 1) metrics.queueWait.observe(fact.queueWaitMs);
      log.debug(fact, "run claimed");
    },
    runEnded(fact) {
      metrics.runsEnded.inc({ status: fact.status });
      metrics.runDuration.observe({ status: fact.status }, fact.durationMs);
      if (fact.status === "error" || fact.status === "timeout") log.warn(fact, "run ended");
      else log.info(fact, "run ended");
    },
    runsRequeued(fact) {
      metrics.runsRequeued.inc(fact.runIds.length);
      log.warn(fact, "runs whose lease ran out are back in the queue");
    },
    runReleased: (fact) => log.info(fact, "run handed back to continue elsewhere"),
    leaseLost(fact) {
      metrics.leasesLost.inc();
      log.warn(fact, "lease lost; the run goes on with another worker");
    },
    attemptsExhausted(fact) {
      metrics.attemptsExhausted.inc();
      log.error(fact, "run given up after its last attempt");
    },
  };
}

function reportUsage(log: Logger, metrics: Metrics): Pick<Report, "modelCalled" | "usageUnsettled"> {
  return {
    modelCalled(fact) {
      const { provider, model, outcome, inputTokens, cachedInputTokens, outputTokens, cost, latencyMs } = fact;
      const of = { provider: provider ?? "", model };
      metrics.modelCalls.inc({ ...of, outcome });
      metrics.modelLatency.observe(of, latencyMs);
      metrics.modelTokens.inc({ ...of, kind: "input" }, inputTokens);
      metrics.modelTokens.inc({ ...of, kind: "cached input" }, cachedInputTokens);
      metrics.modelTokens.inc({ ...of, kind: "output" }, outputTokens);
      if (cost !== null) metrics.modelCost.inc(of, cost);
      log.debug(fact, "model called");
    },
    usageUnsettled: ({ error, ...fields }) =>
      log.error({ ...fields, err: error }, "usage of a call was not written down"),
  };
}

type WorkerReport = Pick<
  Report,
  "workerStarted" | "workerFailed" | "workerDied" | "workerDrained" | "agedOut" | "storeIndexed" | "eventLoopBlocked"
>;

function reportWorkers(log: Logger, metrics: Metrics): WorkerReport {
  return {
    workerStarted: (fact) => log.info(fact, "worker started"),
    workerFailed: ({ error, ...fields }) => log.error({ ...fields, err: error }, "worker failed"),
    workerDied(fact) {
      metrics.workersDied.inc();
      log.error(fact, "worker died");
    },
    agedOut: (fact) => log.info(fact, "removed what had aged out"),
    storeIndexed: (fact) => log.info(fact, "the store's index changed"),
    workerDrained: (fact) => log.info(fact, "worker drained"),
    eventLoopBlocked: (fact) => log.warn(fact, "a node blocked the event loop"),
  };
}

type WebhookReport = Pick<Report, "webhookDelivered" | "webhookFailed" | "webhookGivenUp" | "webhookUnsettled">;

function reportWebhooks(log: Logger, metrics: Metrics): WebhookReport {
  return {
    webhookDelivered(fact) {
      metrics.webhookAttempts.inc({ outcome: "delivered" });
      log.debug(fact, "webhook delivered");
    },
    webhookFailed(fact) {
      metrics.webhookAttempts.inc({ outcome: "failed" });
      log.warn(fact, "webhook not delivered yet");
    },
    webhookGivenUp(fact) {
      metrics.webhookAttempts.inc({ outcome: "given_up" });
      log.error(fact, "webhook given up");
    },
    webhookUnsettled: ({ error, ...fields }) => log.warn({ ...fields, err: error }, "webhook attempt not recorded"),
  };
}

function reportCrons(log: Logger, metrics: Metrics): Pick<Report, "cronFired" | "cronSkipped"> {
  return {
    cronFired(fact) {
      metrics.cronTicks.inc({ outcome: "fired" });
      log.info(fact, "cron fired");
    },
    cronSkipped(fact) {
      metrics.cronTicks.inc({ outcome: "skipped" });
      log.warn(fact, "a cron's tick passed without a run");
    },
  };
}

function reportDatabase(log: Logger, metrics: Metrics): Pick<Report, "databaseUnavailable" | "databaseRecovered"> {
  return {
    databaseUnavailable({ error, ...fields }) {
      metrics.databaseFailures.inc();
      log.error({ ...fields, err: error }, "database unavailable");
    },
    databaseRecovered: (fact) => log.info(fact, "database is back"),
  };
}

function reportEventBus(log: Logger): Pick<Report, "noticesUnheard" | "redisLost" | "redisBack"> {
  return {
    noticesUnheard(fact) {
      log.warn(
        fact,
        "notifications sent through DATABASE_URL are not heard: is it a pooler in transaction mode, or does HOLDFAST_DIRECT_DATABASE_URL " +
          "name another database? Set HOLDFAST_DIRECT_DATABASE_URL to the same database without the pooler. Until then queued runs, " +
          "cancels and streams are found by polling (HOLDFAST_POLL_INTERVAL_MS), and a dead worker only when its lease runs out",
      );
    },
    redisLost: ({ error }) => log.warn({ err: error }, "Redis is away; PostgreSQL carries the hints meanwhile"),
    redisBack: ({ downMs }) => log.info({ downMs: Math.round(downMs) }, "Redis is back"),
  };
}
