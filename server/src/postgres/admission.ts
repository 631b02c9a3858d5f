// Admission: decides under the thread's row what becomes of a new run, in one statement when the thread is free.
import type { Pool, PoolClient } from "pg";
import { NotFoundError, ThreadBusyError } from "../domain/errors.ts";
import type { Admission, AdmitOptions } from "../domain/ports/run-queue.ts";
import type { CancelAction, NewRun } from "../domain/run.ts";
import { cipherOf } from "./content/cipher-of.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { sealKwargs } from "./content/sealed-columns.ts";
import type { DeleteRunCheckpoints } from "./run-end.ts";
import { type RunRow, runColumns, toRun } from "./run-row.ts";
import { isTapeWanted } from "./tape-wish.ts";
import { insertDeliveriesFor } from "./webhook-sql.ts";

/** How often admission starts over when the thread changed between its two ways; each turn means somebody else made progress. */
const ADMISSION_TURNS_MAX = 20;

/** The configurable and metadata of the run laid over those of assistant and thread. */
const MERGED_RUN = `
  jsonb_set($6::jsonb, '{config,configurable}',
    $7::jsonb || coalesce(t.config -> 'configurable', '{}') || coalesce($6::jsonb #> '{config,configurable}', '{}') || $8::jsonb)`;

const INSERT_RUN = `
  insert into run (run_id, thread_id, assistant_id, status, metadata, kwargs, multitask_strategy, priority, available_at,
    attempt, epoch, lease_owner, lease_expires_at, started_at, tape_block, is_taped, is_limited)
  select $2::uuid, t.thread_id, $3::uuid, case when $4::text is null then 'pending' else 'running' end,
    $9::jsonb || t.metadata || $10::jsonb, ${MERGED_RUN}, $11, $12, now() + $13 * interval '1 millisecond',
    case when $4::text is null then 0 else 1 end, case when $4::text is null then null else t.epoch end,
    $4::text, case when $4::text is null then null else now() + $5 * interval '1 millisecond' end,
    case when $4::text is null then null else now() end, case when $4::text is null then null else t.tape_block end,
    $4::text is not null and ${isTapeWanted("t")},
    coalesce(($6::jsonb ->> 'isLimited')::boolean, false)
  from t
  returning *`;

/** A run of the event protocol is followed by it, and so are those that come after. */
const TAPE_WISH = "case when ($6::jsonb ->> 'isProtocol')::boolean then now() end";

/** What a run leaves on a thread that exists. */
const THREAD_CHANGES = `
  status = 'busy', active_count = thread.active_count + 1, updated_at = now(), metadata = thread.metadata || $14::jsonb,
  tape_wanted_at = coalesce(${TAPE_WISH}, thread.tape_wanted_at),
  config = jsonb_set(thread.config || ($15::jsonb - 'configurable'), '{configurable}',
    coalesce(thread.config -> 'configurable', '{}') || coalesce($15::jsonb -> 'configurable', '{}'))`;

const IS_FREE = "thread.active_count = 0 and not (thread.is_temporary and thread.ended_at is not null)";

const CLAIM_BUMP = "case when $4::text is null then 0 else 1 end";

/** A claimed run gets a new epoch and its block of the thread's tape. */
const CLAIM_CHANGES = `epoch = thread.epoch + ${CLAIM_BUMP}, tape_block = thread.tape_block + ${CLAIM_BUMP}`;

/** As the column's default: a thread created again under the same id never repeats an epoch. */
const FIRST_EPOCH = "(extract(epoch from clock_timestamp()) * 1000000)::bigint";

const ADMIT_TO_EXISTING = `
  with t as (
    update thread set ${THREAD_CHANGES}, ${CLAIM_CHANGES}
    where thread_id = $1::uuid and ${IS_FREE}
    returning thread_id, epoch, tape_block, tape_wanted_at, metadata, config
  ), r as (${INSERT_RUN})
  select ${runColumns("r")}, r.epoch from r`;

const ADMIT_CREATING = `
  with t as (
    insert into thread (thread_id, status, active_count, epoch, tape_block, tape_wanted_at, metadata, config, is_temporary, ttl_strategy,
      ttl_minutes, expires_at)
    values ($1::uuid, 'busy', 1, ${FIRST_EPOCH} + ${CLAIM_BUMP}, ${CLAIM_BUMP}, ${TAPE_WISH}, $16::jsonb, $17::jsonb, $18, $19, $20::float8,
      now() + $20::float8 * interval '1 minute')
    on conflict (thread_id) do update set ${THREAD_CHANGES}, ${CLAIM_CHANGES}
    where ${IS_FREE}
    returning thread_id, epoch, tape_block, tape_wanted_at, metadata, config
  ), r as (${INSERT_RUN})
  select ${runColumns("r")}, r.epoch from r`;

const ADMIT_TO_BUSY = `
  with t as (
    update thread set ${THREAD_CHANGES} where thread_id = $1::uuid
    returning thread_id, epoch, tape_block, tape_wanted_at, metadata, config
  ), r as (${INSERT_RUN})
  select ${runColumns("r")}, r.epoch from r`;

type AdmittedRow = RunRow & { epoch: string | null };

/** @throws NotFoundError, ThreadBusyError */
export async function admitRun(
  pool: Pool,
  run: NewRun,
  options: AdmitOptions,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<Admission> {
  for (let turn = 0; turn < ADMISSION_TURNS_MAX; turn++) {
    const admitted = await admitToFreeThread(pool, run, options);
    if (admitted !== undefined) return admitted;
    const decided = await admitToBusyThread(pool, run, options, deleteCheckpoints);
    if (decided !== undefined) return decided;
  }
  throw new ThreadBusyError("The thread changes too quickly to admit the run. Try again.");
}

/**
 * The same inside the caller's transaction, which holds the thread's row from then on. A refusal comes before anything is written.
 * @throws NotFoundError, ThreadBusyError
 */
export async function admitRunWithin(
  client: PoolClient,
  run: NewRun,
  options: AdmitOptions,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<Admission> {
  for (let turn = 0; turn < ADMISSION_TURNS_MAX; turn++) {
    const admitted = await admitToFreeThread(client, run, options);
    if (admitted !== undefined) return admitted;
    const decided = await decideUnderThreadRow(client, run, options, deleteCheckpoints);
    if (decided !== undefined) return decided;
  }
  throw new ThreadBusyError("The thread changes too quickly to admit the run. Try again.");
}

async function admitToFreeThread(
  pool: Pool | PoolClient,
  run: NewRun,
  options: AdmitOptions,
): Promise<Admission | undefined> {
  const claimFor = run.delayMs > 0 ? undefined : options.claimFor;
  const values = admissionValues(cipherOf(pool), run, options, claimFor);
  const result =
    run.ifThreadMissing === "create"
      ? await pool.query<AdmittedRow>({
          name: "admit_creating",
          text: ADMIT_CREATING,
          values: [...values, ...newThreadValues(run)],
        })
      : await pool.query<AdmittedRow>({ name: "admit_existing", text: ADMIT_TO_EXISTING, values });
  const row = result.rows[0];
  if (row === undefined) return undefined;
  const admitted = toRun(cipherOf(pool), row);
  if (row.epoch === null) return { run: admitted, cancelled: [] };
  const fence = { threadId: admitted.threadId, runId: admitted.runId, epoch: row.epoch };
  return { run: admitted, cancelled: [], claimed: { run: admitted, fence, nextEventSeq: 0, cancelAction: null } };
}

async function admitToBusyThread(
  pool: Pool,
  run: NewRun,
  options: AdmitOptions,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<Admission | undefined> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const decided = await decideUnderThreadRow(client, run, options, deleteCheckpoints);
    await client.query("commit");
    client.release();
    return decided;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    client.release();
    throw error;
  }
}

async function decideUnderThreadRow(
  client: PoolClient,
  run: NewRun,
  options: AdmitOptions,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<Admission | undefined> {
  const thread = await client.query<{ active_count: number; is_gone: boolean }>(
    "select active_count, is_temporary and ended_at is not null as is_gone from thread where thread_id = $1 for update",
    [run.threadId],
  );
  const row = thread.rows[0];
  if (row === undefined && run.ifThreadMissing === "create") return undefined;
  if (row === undefined || row.is_gone) throw new NotFoundError(`Thread with ID ${run.threadId} not found`);
  if (row.active_count === 0) return undefined;
  if (run.multitaskStrategy === "reject") throw new ThreadBusyError();
  const cancelled =
    run.multitaskStrategy === "enqueue"
      ? []
      : await cancelActiveRuns(client, run.threadId, run.multitaskStrategy, deleteCheckpoints);
  const inserted = await client.query<AdmittedRow>({
    name: "admit_busy",
    text: ADMIT_TO_BUSY,
    values: admissionValues(cipherOf(client), run, options, undefined),
  });
  return { run: toRun(cipherOf(client), inserted.rows[0]!), cancelled };
}

/** Pending runs end at once; the running one is marked, and its worker must be told. */
async function cancelActiveRuns(
  client: PoolClient,
  threadId: string,
  action: CancelAction,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<Admission["cancelled"]> {
  const ended =
    action === "rollback"
      ? await client.query<{ run_id: string }>(
          `with ended as (delete from run where thread_id = $1 and status = 'pending' returning run_id),
           events as (delete from run_event e using ended where e.run_id = ended.run_id)
           select run_id from ended`,
          [threadId],
        )
      : await client.query<{ run_id: string }>(
          `with ended as (
             update run r set status = 'interrupted', ended_at = now(), updated_at = now(),
               tape_block = coalesce(r.tape_block, p.tape_block)
             from (
               select run_id, (select tape_block from thread where thread_id = $1) + row_number() over (order by queue_order)
                 as tape_block
               from run where thread_id = $1 and status = 'pending'
             ) p
             where r.run_id = p.run_id and r.status = 'pending' returning r.*
           ), delivered as (${insertDeliveriesFor("ended")})
           select run_id from ended`,
          [threadId],
        );
  await client.query(
    "update thread set active_count = active_count - $2, tape_block = tape_block + $2 where thread_id = $1",
    [threadId, ended.rows.length],
  );
  // A pending run may have run before: handed back on a drain, or taken from a worker that died.
  if (action === "rollback") for (const row of ended.rows) await deleteCheckpoints(client, threadId, row.run_id);
  const running = await client.query<{ run_id: string }>(
    `update run set cancel_action = $2, cancel_requested_at = coalesce(cancel_requested_at, now())
     where thread_id = $1 and status = 'running' returning run_id`,
    [threadId, action],
  );
  return [...ended.rows, ...running.rows].map((row) => ({ runId: row.run_id, action }));
}

function admissionValues(
  cipher: ContentCipher,
  run: NewRun,
  options: AdmitOptions,
  claimFor: string | undefined,
): unknown[] {
  const kwargs = sealKwargs(cipher, run.kwargs);
  return [
    run.threadId,
    run.runId,
    run.assistantId,
    claimFor ?? null,
    options.leaseDurationMs,
    JSON.stringify({
      ...kwargs,
      config: { ...kwargs.config, configurable: kwargs.config.configurable ?? {} },
    }),
    JSON.stringify(run.assistantConfigurable),
    JSON.stringify(run.forcedConfigurable),
    JSON.stringify(run.assistantMetadata),
    JSON.stringify(run.metadata),
    run.multitaskStrategy,
    run.priority,
    run.delayMs,
    JSON.stringify({ graph_id: run.kwargs.graphId, assistant_id: run.assistantId }),
    JSON.stringify(run.stickyConfig),
  ];
}

function newThreadValues(run: NewRun): unknown[] {
  const metadata = { ...run.metadata, graph_id: run.kwargs.graphId, assistant_id: run.assistantId };
  const configurable = { ...run.assistantConfigurable, ...run.stickyConfig.configurable };
  return [
    JSON.stringify(metadata),
    JSON.stringify({ ...run.stickyConfig, configurable }),
    run.kwargs.isTemporary,
    run.threadTtl?.strategy ?? null,
    run.threadTtl?.ttlMinutes ?? null,
  ];
}
