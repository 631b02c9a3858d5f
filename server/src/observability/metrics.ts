// The metrics of a process: one Prometheus registry, its instruments, and gauges read from their owners when scraped.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Numbers whose owners are elsewhere; asked only when somebody reads the metrics. */
export interface GaugeSources {
  /** Runs waiting and runs being executed, over the whole deployment. */
  runs?: () => Promise<{ pending: number; running: number }>;
  /** Slots of this process' workers. */
  workers?: () => { max: number; active: number };
  /** The connection pool of this process. */
  pool?: () => { max: number; size: number; available: number };
}

/** Upper bounds of the latency buckets, in milliseconds. */
const LATENCY_BUCKETS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

export interface Metrics {
  readonly registry: Registry;
  readonly httpRequests: Counter<"method" | "path" | "status">;
  readonly httpLatency: Histogram<"method" | "path">;
  readonly queueWait: Histogram;
  readonly runsCreated: Counter<"strategy">;
  readonly runsEnded: Counter<"status">;
  readonly runDuration: Histogram<"status">;
  readonly runsRequeued: Counter;
  readonly leasesLost: Counter;
  readonly attemptsExhausted: Counter;
  readonly workersDied: Counter;
  readonly streamsOpen: Gauge;
  readonly streamsCutOff: Counter;
  readonly eventsStreamed: Counter;
  readonly webhookAttempts: Counter<"outcome">;
  readonly cronTicks: Counter<"outcome">;
  readonly databaseFailures: Counter;
  readonly modelCalls: Counter<"provider" | "model" | "outcome">;
  readonly modelLatency: Histogram<"provider" | "model">;
  /** `kind`: input (cached included), cached input, output. */
  readonly modelTokens: Counter<"provider" | "model" | "kind">;
  readonly modelCost: Counter<"provider" | "model">;
  /** Tells where the gauges' numbers come from. Called once, when everything is started. */
  connectSources(sources: GaugeSources): void;
}

/** A fresh registry with every instrument. `withProcessMetrics` adds memory, CPU and event-loop figures. */
export function createMetrics(options: { withProcessMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.withProcessMetrics) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  let sources: GaugeSources = {};
  registerSourceGauges(registry, () => sources);
  const counter = <Label extends string = string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter<Label>({ name, help, labelNames, registers });
  const latency = <Label extends string = string>(name: string, help: string, labelNames: Label[] = []) =>
    new Histogram<Label>({ name, help, labelNames, buckets: LATENCY_BUCKETS_MS, registers });
  return {
    registry,
    httpRequests: counter("lg_api_http_requests_total", "HTTP requests answered.", ["method", "path", "status"]),
    httpLatency: latency("lg_api_http_requests_latency", "Milliseconds to answer, streams excepted.", [
      "method",
      "path",
    ]),
    queueWait: latency("lg_api_run_queue_wait_time_1st_attempt", "Milliseconds from due to first claim."),
    runsCreated: counter("holdfast_runs_created_total", "Runs accepted.", ["strategy"]),
    runsEnded: counter("holdfast_runs_ended_total", "Runs that reached a terminal status.", ["status"]),
    runDuration: latency("holdfast_run_duration_ms", "Milliseconds from claim to end.", ["status"]),
    runsRequeued: counter("holdfast_runs_requeued_total", "Runs returned to the queue because their lease ran out."),
    leasesLost: counter("holdfast_leases_lost_total", "Runs whose lease this process lost to another worker."),
    attemptsExhausted: counter("holdfast_attempts_exhausted_total", "Runs given up after their last attempt."),
    workersDied: counter("holdfast_workers_died_total", "Worker processes that died unasked."),
    streamsOpen: new Gauge({ name: "holdfast_streams_open", help: "Open event streams.", registers }),
    streamsCutOff: counter("holdfast_streams_cut_off_total", "Streams cut off because the reader was too slow."),
    eventsStreamed: counter("holdfast_stream_events_total", "Stream events written to clients."),
    webhookAttempts: counter("holdfast_webhook_attempts_total", "Attempts to deliver a webhook.", ["outcome"]),
    cronTicks: counter("holdfast_cron_ticks_total", "Due ticks of crons.", ["outcome"]),
    modelCalls: counter("holdfast_model_calls_total", "Calls of models.", ["provider", "model", "outcome"]),
    modelLatency: latency("holdfast_model_call_ms", "Milliseconds of a call of a model.", ["provider", "model"]),
    modelTokens: counter("holdfast_model_tokens_total", "Tokens used by calls of models.", [
      "provider",
      "model",
      "kind",
    ]),
    modelCost: counter("holdfast_model_cost_dollars_total", "US dollars spent, where the price is known.", [
      "provider",
      "model",
    ]),
    databaseFailures: counter("holdfast_database_failures_total", "Times the database was found unreachable."),
    connectSources: (connected) => {
      sources = connected;
    },
  };
}

function registerSourceGauges(registry: Registry, current: () => GaugeSources): void {
  const gauge = (name: string, help: string, read: () => number | undefined | Promise<number | undefined>) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const value = await read();
        if (value === undefined) this.reset();
        else this.set(value);
      },
    });
  const readRuns = shareWhilePending(async () => current().runs?.());
  gauge("lg_api_num_pending_runs", "Runs waiting.", async () => (await readRuns())?.pending);
  gauge("lg_api_num_running_runs", "Runs being executed.", async () => (await readRuns())?.running);
  gauge("lg_api_workers_max", "Slots of this process.", () => current().workers?.().max);
  gauge("lg_api_workers_active", "Slots in use.", () => current().workers?.().active);
  gauge("lg_api_workers_available", "Slots free.", () => {
    const workers = current().workers?.();
    return workers && workers.max - workers.active;
  });
  gauge("lg_api_pg_pool_max", "Largest size of the connection pool.", () => current().pool?.().max);
  gauge("lg_api_pg_pool_size", "Connections in the pool.", () => current().pool?.().size);
  gauge("lg_api_pg_pool_available", "Idle connections in the pool.", () => current().pool?.().available);
}

/** Lets concurrent callers share one running read, so that one scrape asks the database once. */
function shareWhilePending<T>(read: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined;
  return () => {
    pending ??= read().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}
