-- Assistants, threads, the run queue and the log of stream events.

create table assistant (
  assistant_id uuid primary key,
  graph_id text not null,
  version integer not null default 1,
  -- The highest version ever made; the next change takes the number after it, wherever "version" points.
  version_max integer not null default 1,
  name text not null,
  description text,
  config jsonb not null default '{}',
  context jsonb not null default '{}',
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index assistant_by_created_at on assistant (created_at desc, assistant_id);
create index assistant_by_graph on assistant (graph_id);
create index assistant_by_metadata on assistant using gin (metadata jsonb_path_ops);

create table assistant_version (
  assistant_id uuid not null references assistant on delete cascade,
  version integer not null,
  graph_id text not null,
  name text not null,
  description text,
  config jsonb not null default '{}',
  context jsonb not null default '{}',
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  primary key (assistant_id, version)
);

create table thread (
  thread_id uuid primary key,
  status text not null default 'idle' check (status in ('idle', 'busy', 'interrupted', 'error')),
  -- The fencing number: raised at every claim; a write under an older one is refused. It starts from the clock, so that a
  -- thread that is deleted and created again under the same id never repeats an epoch.
  epoch bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint,
  -- Runs of this thread that are pending or running. Kept on the row because only the locked row shows the truth to
  -- concurrent admissions and ends; the thread is busy exactly while this is above 0.
  active_count integer not null default 0 check (active_count >= 0),
  metadata jsonb not null default '{}',
  config jsonb not null default '{}',
  -- The output channels at head_checkpoint_id, without those listed in omitted_channels: these are long lists
  -- that the checkpoint's segments hold, so that a turn's cost does not grow with the thread.
  values jsonb,
  omitted_channels text[] not null default '{}',
  head_checkpoint_id text,
  interrupts jsonb not null default '{}',
  error jsonb,
  -- Threads of stateless runs with on_completion=delete: hidden once ended_at is set, removed by the sweep.
  is_temporary boolean not null default false,
  ended_at timestamptz,
  ttl_strategy text check (ttl_strategy in ('delete', 'keep_latest')),
  ttl_minutes double precision,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  state_updated_at timestamptz,
  -- The two metadata keys that clients list threads by, as columns so that an index alone can count them. Overlong
  -- texts do not fit an index entry; they are found by the metadata index.
  graph_id text generated always as (
    case when jsonb_typeof(metadata -> 'graph_id') = 'string' and length(metadata ->> 'graph_id') <= 200
      then metadata ->> 'graph_id' end
  ) stored,
  assistant_id text generated always as (
    case when jsonb_typeof(metadata -> 'assistant_id') = 'string' and length(metadata ->> 'assistant_id') <= 200
      then metadata ->> 'assistant_id' end
  ) stored
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
-- Lists and counts leave out threads that have ended for good; with the condition in the index they need no row for it.
create index thread_by_created_at on thread (created_at desc, thread_id) where not (is_temporary and ended_at is not null);
create index thread_by_updated_at on thread (updated_at desc, thread_id) where not (is_temporary and ended_at is not null);
create index thread_by_state_updated_at on thread (state_updated_at desc nulls last, thread_id)
  where not (is_temporary and ended_at is not null);
create index thread_by_status on thread (status, created_at desc, thread_id)
  where not (is_temporary and ended_at is not null);
create index thread_by_graph on thread (graph_id, created_at desc, thread_id) include (status)
  where not (is_temporary and ended_at is not null);
create index thread_by_assistant on thread (assistant_id, created_at desc, thread_id) include (status, graph_id)
  where not (is_temporary and ended_at is not null);
create index thread_by_metadata on thread using gin (metadata jsonb_path_ops);
create index thread_by_expiry on thread (expires_at) where expires_at is not null;
create index thread_temporary on thread (ended_at) where is_temporary;

create table run (
  run_id uuid primary key,
  thread_id uuid not null,
  assistant_id uuid not null,
  status text not null check (status in ('pending', 'running', 'success', 'error', 'timeout', 'interrupted')),
  metadata jsonb not null default '{}',
  kwargs jsonb not null,
  multitask_strategy text not null check (multitask_strategy in ('reject', 'enqueue', 'interrupt', 'rollback')),
  priority smallint not null default 0,
  -- Order of arrival; ids alone cannot give it, several API processes mint them.
  queue_order bigint not null generated always as identity,
  available_at timestamptz not null default now(),
  attempt integer not null default 0,
  -- Claims that ended with a lost lease (crash, freeze); bounded by attemptMax. Handing a run back on drain does not count.
  lost_lease_count integer not null default 0,
  lease_owner text,
  lease_expires_at timestamptz,
  epoch bigint,
  cancel_action text check (cancel_action in ('interrupt', 'rollback')),
  cancel_reason text,
  cancel_requested_at timestamptz,
  error jsonb,
  final_checkpoint_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz
) with (fillfactor = 80);
-- At most one writer per thread, held by the database.
create unique index run_one_running_per_thread on run (thread_id) where status = 'running';
create index run_pending on run (priority desc, queue_order) where status = 'pending';
create index run_pending_by_thread on run (thread_id, queue_order) where status = 'pending';
create index run_by_lease on run (lease_expires_at) where status = 'running';
create index run_by_thread on run (thread_id, created_at desc, run_id desc);

-- The log of stream events. Run ids are UUIDs version 7, which begin with the time in milliseconds: partitions are
-- ranges of run ids, one a day, so that the log ages out by dropping partitions while (run_id, seq) stays unique.
create table run_event (
  run_id uuid not null,
  seq integer not null,
  event text not null,
  data text not null,
  -- Where the data leave out long lists: the thread, and the checkpoint that holds each list. Long states are not written again.
  omitted jsonb,
  primary key (run_id, seq)
) partition by range (run_id);
create table run_event_default partition of run_event default;

-- Notices to be delivered when a run has ended; written with the end itself.
create table webhook_delivery (
  delivery_id uuid primary key,
  run_id uuid not null,
  thread_id uuid not null,
  url text not null,
  payload jsonb not null,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
  attempt integer not null default 0,
  available_at timestamptz not null default now(),
  last_error text,
  created_at timestamptz not null default now(),
  delivered_at timestamptz
);
create index webhook_delivery_due on webhook_delivery (available_at) where status = 'pending';
create index webhook_delivery_by_run on webhook_delivery (run_id);
