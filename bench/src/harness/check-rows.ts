// The invariants that rows alone can show: runs ended (I1), linear history (I3), one writer (I4), free threads (I7), outbox (I9).
import type { CheckInput, Violation } from "./check-input.ts";

type RowsInput = Pick<CheckInput, "pool" | "runIds" | "expectedStatuses">;

/** I1: every acknowledged run has ended, and so has every other; as it should have. */
export async function checkRunsEnded({
  pool,
  runIds,
  expectedStatuses = ["success"],
}: RowsInput): Promise<Violation[]> {
  const { rows } = await pool.query(
    `select coalesce(id, r.run_id) as run_id, r.status, r.error ->> 'message' as message
     from unnest($1::uuid[]) as id full join run r on r.run_id = id
     where r.status is null or r.status <> all($2)`,
    [runIds, expectedStatuses],
  );
  return rows.map((row) => ({
    invariant: "I1",
    detail: `run ${row.run_id} is ${row.status ?? "gone"}${row.message ? `: ${row.message}` : ""}`,
  }));
}

/** I3: within a namespace of a thread each checkpoint has at most one child, and only the first has no parent. */
export async function checkLinearHistory({ pool }: Pick<CheckInput, "pool">): Promise<Violation[]> {
  const { rows } = await pool.query(
    `select thread_id, checkpoint_ns, parent_checkpoint_id, count(*) as children from checkpoint
     group by 1, 2, 3 having count(*) > 1`,
  );
  const orphans = await pool.query(
    `select c.thread_id, c.checkpoint_id, c.parent_checkpoint_id from checkpoint c
     where c.parent_checkpoint_id is not null and not exists (
       select 1 from checkpoint p where p.thread_id = c.thread_id and p.checkpoint_ns = c.checkpoint_ns
         and p.checkpoint_id = c.parent_checkpoint_id)`,
  );
  return [
    ...rows.map((row) => ({
      invariant: "I3",
      detail: `thread ${row.thread_id} ns "${row.checkpoint_ns}": ${row.children} children of ${row.parent_checkpoint_id ?? "the root"}`,
    })),
    ...orphans.rows.map((row) => ({
      invariant: "I3",
      detail: `thread ${row.thread_id}: checkpoint ${row.checkpoint_id} has lost its parent ${row.parent_checkpoint_id}`,
    })),
  ];
}

/** I4: no write by a process that did not hold the run, and epochs that only ever grow, one claim at a time. */
export async function checkWriters({ pool }: Pick<CheckInput, "pool">): Promise<Violation[]> {
  const stray = await pool.query("select * from audit_stray_write order by at limit 100");
  const claims = await pool.query(
    `select * from (
       select thread_id, run_id, epoch, lag(epoch) over w as epoch_before, lag(run_id) over w as run_before
       from audit_run where status = 'running' window w as (partition by thread_id order by id)
     ) a where epoch <= epoch_before`,
  );
  const overlaps = await pool.query(
    `select * from (
       select thread_id, run_id, status, lag(run_id) over w as run_before, lag(status) over w as status_before
       from audit_run where status = 'running' or old_status = 'running'
       window w as (partition by thread_id order by id)
     ) a where status = 'running' and status_before = 'running' and run_before <> run_id`,
  );
  return [
    ...stray.rows.map((row) => ({
      invariant: "I4",
      detail: `${row.session} wrote a ${row.kind} of run ${row.run_id}, which was ${row.holder_status} with ${row.holder}`,
    })),
    ...claims.rows.map((row) => ({
      invariant: "I4",
      detail: `thread ${row.thread_id}: run ${row.run_id} had epoch ${row.epoch} after epoch ${row.epoch_before} of run ${row.run_before}`,
    })),
    ...overlaps.rows.map((row) => ({
      invariant: "I4",
      detail: `thread ${row.thread_id}: run ${row.run_id} began while run ${row.run_before} was running`,
    })),
  ];
}

/** I7: no thread is busy without an active run, and its count is the number of active runs. */
export async function checkThreadsFree({ pool }: Pick<CheckInput, "pool">): Promise<Violation[]> {
  const { rows } = await pool.query(
    `select t.thread_id, t.status, t.active_count, count(r.run_id)::int as active
     from thread t left join run r on r.thread_id = t.thread_id and r.status in ('pending', 'running')
     group by t.thread_id
     having (t.status = 'busy') <> (count(r.run_id) > 0) or t.active_count <> count(r.run_id)`,
  );
  return rows.map((row) => ({
    invariant: "I7",
    detail: `thread ${row.thread_id} is ${row.status} with count ${row.active_count} and ${row.active} active runs`,
  }));
}

/** I9, as far as rows go: every ended run with a webhook has exactly one delivery in the outbox. */
export async function checkDeliveries({ pool }: Pick<CheckInput, "pool">): Promise<Violation[]> {
  const { rows } = await pool.query(
    `select r.run_id, r.status, count(d.delivery_id)::int as deliveries
     from run r left join webhook_delivery d on d.run_id = r.run_id
     where r.kwargs ->> 'webhook' is not null and r.status not in ('pending', 'running')
     group by r.run_id having count(d.delivery_id) <> 1`,
  );
  return rows.map((row) => ({
    invariant: "I9",
    detail: `run ${row.run_id} (${row.status}) has ${row.deliveries} deliveries in the outbox`,
  }));
}
