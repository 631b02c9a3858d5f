// The delivery of webhooks put together: rules and headers of the project file, the outbox, and what a notice shows.
import type { Config } from "../config/config.ts";
import { readWebhookSettings } from "../config/webhook-settings.ts";
import { DatabaseUnavailableError } from "../domain/errors.ts";
import type { WebhookDelivery } from "../domain/webhook.ts";
import type { GraphRuntime } from "../graphs/graph-runtime.ts";
import { presentRun } from "../http/langgraph/runs/run-wire.ts";
import type { Report } from "../observability/report.ts";
import type { Database } from "../postgres/database.ts";
import type { Persistence } from "../postgres/persistence.ts";
import { PostgresWebhookDeliveryRepository } from "../postgres/webhook-delivery-repository.ts";
import { HOLDFAST_VERSION } from "../version.ts";
import { WEBHOOK_LIMITS } from "../webhooks/limits.ts";
import { WebhookDeliverer } from "../webhooks/webhook-deliverer.ts";
import { WebhookPolicy } from "../webhooks/webhook-policy.ts";
import { WebhookSender } from "../webhooks/webhook-sender.ts";

/** How often a worker looks for due notices. */
export const WEBHOOK_POLL_INTERVAL_MS = 500;
/** How often old notices are deleted, how old they must be, and how many at once. */
export const WEBHOOK_SWEEP_INTERVAL_MS = 10 * 60 * 1_000;
const WEBHOOK_RETENTION_MS = 7 * 24 * 60 * 60 * 1_000;
const WEBHOOK_SWEEP_COUNT_MAX = 1_000;

export interface Webhooks {
  policy: WebhookPolicy;
  createDeliverer(): WebhookDeliverer;
  /** Deletes one batch of old notices; `true` when there may be more. */
  sweep(): Promise<boolean>;
}

/** @throws ConfigurationError for a header that cannot be made */
export function createWebhooks(parts: {
  config: Config;
  database: Database;
  persistence: Persistence;
  graphs: GraphRuntime;
  report: Report;
  /** Where the API of this process listens, once it does. */
  address: () => string | undefined;
}): Webhooks {
  const { config, database, persistence, graphs, report, address } = parts;
  const { rules, headers } = readWebhookSettings(config);
  const policy = new WebhookPolicy(rules, () => address() ?? reachableAddress(config.http));
  const deliveries = new PostgresWebhookDeliveryRepository(database.pool);
  return {
    policy,
    createDeliverer: () =>
      new WebhookDeliverer({
        deliveries,
        policy,
        sender: new WebhookSender({ socketsMax: WEBHOOK_LIMITS.inFlightMax }),
        limits: WEBHOOK_LIMITS,
        headers,
        userAgent: `Holdfast/${HOLDFAST_VERSION}`,
        presentRun,
        readValues: (delivery) => readValues(delivery, persistence, graphs),
        report,
      }),
    async sweep() {
      const count = await deliveries.deleteEndedDeliveries(WEBHOOK_RETENTION_MS, WEBHOOK_SWEEP_COUNT_MAX);
      return count === WEBHOOK_SWEEP_COUNT_MAX;
    },
  };
}

/** As the thread was when the run ended, whatever has happened to it since. */
async function readValues(
  { run, finalCheckpointId }: WebhookDelivery,
  { threads }: Persistence,
  { stateReader }: GraphRuntime,
): Promise<unknown> {
  if (run.kwargs.isTemporary) return undefined;
  if (finalCheckpointId === null) return (await threads.findThread(run.threadId))?.values ?? null;
  const { graphId, config } = run.kwargs;
  const context = { threadId: run.threadId, graphId, config };
  try {
    const state = await stateReader.readState(context, { checkpointId: finalCheckpointId }, { subgraphs: false });
    return state.createdAt === null ? null : state.values;
  } catch (error) {
    if (error instanceof DatabaseUnavailableError) throw error;
    // A graph that cannot be loaded any more must not keep the receiver from hearing of the end.
    return null;
  }
}

/** Where another process of this machine finds the API, as far as the configuration tells. */
function reachableAddress({ host, port }: Config["http"]): string | undefined {
  if (port === 0) return undefined;
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
