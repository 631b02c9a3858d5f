// What a webhook carries: the run as it ended, with times, the thread's values and the error.
import { type JsonObject, omitUndefined } from "../domain/json.ts";
import { toPublicError } from "../domain/run.ts";
import type { WebhookDelivery } from "../domain/webhook.ts";

/**
 * @param presentedRun the run as the API shows it
 * @param values of the thread when the run ended; `undefined` for a stateless run, which has none to show
 */
export function webhookBody(
  { run }: WebhookDelivery,
  presentedRun: JsonObject,
  values: unknown,
  sentAt: Date,
): JsonObject {
  return omitUndefined({
    ...presentedRun,
    status: run.status,
    run_started_at: run.startedAt?.toISOString() ?? null,
    run_ended_at: run.endedAt?.toISOString() ?? null,
    webhook_sent_at: sentAt.toISOString(),
    values,
    error: run.error && toPublicError(run.error),
  });
}
