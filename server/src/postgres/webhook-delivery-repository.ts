// Where notices of ended runs wait to be sent; they are queued by the statements that end runs (webhook-sql.ts).
import type { Pool } from "pg";
import { SealedContentError } from "../domain/errors.ts";
import type { DeliveryAttempt, WebhookDeliveryRepository } from "../domain/ports/webhook-delivery-repository.ts";
import type { WebhookDelivery } from "../domain/webhook.ts";
import { cipherOf } from "./content/cipher-of.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { type RunRow, toRun } from "./run-row.ts";
import { execute } from "./statement.ts";

interface DeliveryRow {
  delivery_id: string;
  url: string;
  payload: PayloadRun;
  attempt: number;
  created_at: Date;
}

/** A run row as JSON: its times are texts. */
type PayloadRun = { [Key in keyof RunRow]: RunRow[Key] extends Date | null ? string | null : RunRow[Key] } & {
  final_checkpoint_id: string | null;
};

/** Longest reason that is kept. */
const REASON_CHARS_MAX = 1_000;

/** Until a notice that this process has no key for is looked at again. */
const KEY_WAIT_MS = 60_000;

const CLAIM = `
  with due as (
    select delivery_id from webhook_delivery where status = 'pending' and available_at <= now()
    order by available_at limit $1 for update skip locked
  )
  update webhook_delivery d set attempt = d.attempt + 1, available_at = now() + $2 * interval '1 millisecond'
  from due where d.delivery_id = due.delivery_id
  returning d.delivery_id, d.url, d.payload, d.attempt, d.created_at`;

const IS_NEWEST_ATTEMPT = "delivery_id = $1 and attempt = $2 and status = 'pending'";

const DELIVERED = `
  update webhook_delivery set status = 'delivered', delivered_at = now(), last_error = null where ${IS_NEWEST_ATTEMPT}`;

const RETRY = `
  update webhook_delivery set available_at = now() + $4 * interval '1 millisecond', last_error = $3
  where ${IS_NEWEST_ATTEMPT}`;

/** It waits for a process that has the key; nothing was sent, so that it costs no attempt. */
const POSTPONE = `
  update webhook_delivery set available_at = now() + $4 * interval '1 millisecond', last_error = $3, attempt = attempt - 1
  where ${IS_NEWEST_ATTEMPT}`;

const GIVE_UP = `update webhook_delivery set status = 'failed', last_error = $3 where ${IS_NEWEST_ATTEMPT}`;

const DELETE_ENDED = `
  with ended as (
    select delivery_id from webhook_delivery
    where status <> 'pending' and created_at < now() - $1 * interval '1 millisecond'
    order by created_at limit $2 for update skip locked
  ), deleted as (
    delete from webhook_delivery d using ended where d.delivery_id = ended.delivery_id returning 1
  )
  select count(*)::int as count from deleted`;

export class PostgresWebhookDeliveryRepository implements WebhookDeliveryRepository {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async claimDeliveries(options: { countMax: number; leaseMs: number }): Promise<WebhookDelivery[]> {
    const values = [options.countMax, options.leaseMs];
    const rows = await execute<DeliveryRow>(this.#pool, CLAIM, values, "claim_deliveries");
    const deliveries: WebhookDelivery[] = [];
    for (const row of rows) {
      try {
        deliveries.push(toDelivery(cipherOf(this.#pool), row));
      } catch (error) {
        if (!(error instanceof SealedContentError)) throw error;
        await execute(this.#pool, POSTPONE, [row.delivery_id, row.attempt, error.message, KEY_WAIT_MS]);
      }
    }
    return deliveries;
  }

  async markDelivered({ deliveryId, attempt }: DeliveryAttempt): Promise<void> {
    await execute(this.#pool, DELIVERED, [deliveryId, attempt], "mark_delivered");
  }

  async retryDelivery({ deliveryId, attempt }: DeliveryAttempt, delayMs: number, reason: string): Promise<void> {
    await execute(this.#pool, RETRY, [deliveryId, attempt, reason.slice(0, REASON_CHARS_MAX), delayMs]);
  }

  async giveUpDelivery({ deliveryId, attempt }: DeliveryAttempt, reason: string): Promise<void> {
    await execute(this.#pool, GIVE_UP, [deliveryId, attempt, reason.slice(0, REASON_CHARS_MAX)]);
  }

  async deleteEndedDeliveries(ageMs: number, countMax: number): Promise<number> {
    const [row] = await execute<{ count: number }>(this.#pool, DELETE_ENDED, [ageMs, countMax]);
    return row!.count;
  }
}

function toDelivery(cipher: ContentCipher, row: DeliveryRow): WebhookDelivery {
  const { payload } = row;
  return {
    deliveryId: row.delivery_id,
    url: row.url,
    run: toRun(cipher, {
      ...payload,
      available_at: new Date(payload.available_at ?? row.created_at),
      created_at: new Date(payload.created_at ?? row.created_at),
      updated_at: new Date(payload.updated_at ?? row.created_at),
      started_at: toDate(payload.started_at),
      ended_at: toDate(payload.ended_at),
    }),
    finalCheckpointId: payload.final_checkpoint_id,
    attempt: row.attempt,
    createdAt: row.created_at,
  };
}

function toDate(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
