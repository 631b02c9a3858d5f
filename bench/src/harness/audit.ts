// A record that the database itself keeps of every move of a run and every write of a thread's state, by triggers that know
// which process wrote (a session setting in its connection URL). The checker reads from it what no row tells afterwards.
import type { Pool } from "pg";

const SESSION_SETTING = "holdfast.bench_session";

/** The URL of one process: its sessions carry the process's name. */
export function urlOfSession(databaseUrl: string, session: string): string {
  const separator = databaseUrl.includes("?") ? "&" : "?";
  return `${databaseUrl}${separator}options=${encodeURIComponent(`-c ${SESSION_SETTING}=${session}`)}`;
}

/**
 * `audit_run`: one row per change of a run's status or epoch. `audit_stray_write`: writes of a run's state or events by a
 * session that does not hold the run at that moment.
 */
const INSTALL = `
  create table audit_run (
    id bigint generated always as identity primary key,
    run_id uuid not null, thread_id uuid not null, at timestamptz not null default clock_timestamp(),
    old_status text, status text not null, epoch bigint, attempt integer, lost_lease_count integer,
    strategy text, session text, txid xid8 not null default pg_current_xact_id()
  );
  create index on audit_run (run_id, id);
  create table audit_stray_write (
    kind text not null, thread_id text, run_id text, session text, holder text, holder_status text,
    at timestamptz not null default clock_timestamp()
  );

  create function audit_run_change() returns trigger language plpgsql as $body$
  begin
    if tg_op = 'UPDATE' and old.status = new.status and old.epoch is not distinct from new.epoch then return null; end if;
    if tg_op = 'DELETE' then
      insert into audit_run (run_id, thread_id, old_status, status, attempt, lost_lease_count, strategy, session)
      values (old.run_id, old.thread_id, old.status, 'deleted', old.attempt, old.lost_lease_count, old.multitask_strategy,
        current_setting('${SESSION_SETTING}', true));
    else
      insert into audit_run (run_id, thread_id, old_status, status, epoch, attempt, lost_lease_count, strategy, session)
      values (new.run_id, new.thread_id, case when tg_op = 'UPDATE' then old.status end, new.status, new.epoch, new.attempt,
        new.lost_lease_count, new.multitask_strategy, current_setting('${SESSION_SETTING}', true));
    end if;
    return null;
  end $body$;
  create trigger audit after insert or update or delete on run for each row execute function audit_run_change();

  create function audit_write(kind text, thread text, run text) returns void language plpgsql as $body$
  declare
    writer text := current_setting('${SESSION_SETTING}', true);
    holder audit_run;
  begin
    if run is null then return; end if;
    select * into holder from audit_run where run_id = run::uuid order by id desc limit 1;
    if holder.session is not distinct from writer
      and (holder.status = 'running' or holder.txid = pg_current_xact_id()) then return; end if;
    insert into audit_stray_write (kind, thread_id, run_id, session, holder, holder_status)
    values (kind, thread, run, writer, holder.session, holder.status);
  end $body$;
  create function audit_checkpoint() returns trigger language plpgsql as $body$
  begin perform audit_write('checkpoint', new.thread_id, new.metadata ->> 'run_id'); return null; end $body$;
  create trigger audit after insert or update on checkpoint for each row execute function audit_checkpoint();
  create function audit_checkpoint_write() returns trigger language plpgsql as $body$
  begin perform audit_write('checkpoint_write', new.thread_id, new.run_id); return null; end $body$;
  create trigger audit after insert or update on checkpoint_write for each row execute function audit_checkpoint_write();
  create function audit_event() returns trigger language plpgsql as $body$
  begin perform audit_write('run_event', null, new.run_id::text); return null; end $body$;
  create trigger audit after insert or update on run_event for each row execute function audit_event();`;

/** Call when the schema is there and before the first run. */
export async function installAudit(pool: Pool): Promise<void> {
  await pool.query(INSTALL);
}

/** One claim of a run by a process. */
export interface Claim {
  runId: string;
  session: string;
  attempt: number;
  atMs: number;
  /** When the run left that process, if it did. */
  leftAtMs: number | undefined;
  /** What it then was: `pending` after a lost lease or a drain, a terminal status, or `deleted`. */
  leftAs: string | undefined;
}

/** Every claim, oldest first. */
export async function readClaims(pool: Pool): Promise<Claim[]> {
  const { rows } = await pool.query<{
    run_id: string;
    session: string;
    attempt: number;
    at_ms: number;
    left_at_ms: number | null;
    left_as: string | null;
  }>(
    `select run_id, session, attempt, at_ms, left_at_ms, left_as from (
       select id, run_id, session, attempt, status, extract(epoch from at)::float8 * 1000 as at_ms,
         extract(epoch from lead(at) over w)::float8 * 1000 as left_at_ms, lead(status) over w as left_as
       from audit_run window w as (partition by run_id order by id)
     ) a where status = 'running' order by id`,
  );
  return rows.map((row) => ({
    runId: row.run_id,
    session: row.session,
    attempt: row.attempt,
    atMs: row.at_ms,
    leftAtMs: row.left_at_ms ?? undefined,
    leftAs: row.left_as ?? undefined,
  }));
}

/** Runs that a process was running at a moment. */
export function claimsAt(claims: Claim[], session: string, atMs: number): Claim[] {
  return claims.filter(
    (claim) => claim.session === session && claim.atMs < atMs && (claim.leftAtMs ?? Number.POSITIVE_INFINITY) > atMs,
  );
}

/** What became of one run after the process that ran it died. */
export interface Recovery {
  runId: string;
  /** From the death to the moment the run was taken from the dead process. */
  detectedMs: number;
  /** From the death to the next claim. */
  claimedMs: number;
}

/** For each run that was running in a process when it died: how long until it was noticed, and until the next claim. */
export function findRecoveries(claims: Claim[], deaths: { session: string; atMs: number }[]): Recovery[] {
  return deaths.flatMap(({ session, atMs }) =>
    claimsAt(claims, session, atMs).flatMap((hit) => {
      const next = claims.find((claim) => claim.runId === hit.runId && claim.atMs > atMs);
      if (next === undefined || hit.leftAtMs === undefined) return [];
      return [{ runId: hit.runId, detectedMs: hit.leftAtMs - atMs, claimedMs: next.atMs - atMs }];
    }),
  );
}
