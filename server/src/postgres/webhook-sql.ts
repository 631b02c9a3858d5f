// The outbox rows of ended runs, written in the statement that ends them.

/**
 * An insert that queues one delivery for each run in the CTE `ended` (all columns of run) that asked for a webhook. The
 * payload keeps the run as it ended, since the run itself may be gone by the time of delivery.
 */
export function insertDeliveriesFor(ended: string): string {
  return `
    insert into webhook_delivery (delivery_id, run_id, thread_id, url, payload)
    select gen_random_uuid(), e.run_id, e.thread_id, e.kwargs ->> 'webhook', to_jsonb(e)
    from ${ended} e where e.kwargs ->> 'webhook' is not null
    returning delivery_id`;
}
