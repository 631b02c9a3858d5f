-- Schedules: each tick starts a run, on a thread of its own or on a given one.

create table cron (
  cron_id uuid primary key,
  assistant_id uuid not null references assistant on delete cascade,
  -- A thread takes its crons with it.
  thread_id uuid references thread on delete cascade,
  schedule text not null,
  -- IANA name; null is UTC.
  timezone text,
  end_time timestamptz,
  -- The tick that fires next; null when there is none any more.
  next_run_date timestamptz,
  -- What clients sent and see, and the same in the engine's words.
  payload jsonb not null,
  run_request jsonb not null,
  metadata jsonb not null default '{}',
  user_id text,
  is_enabled boolean not null default true,
  on_run_completed text not null default 'delete' check (on_run_completed in ('delete', 'keep')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index cron_due on cron (next_run_date) where is_enabled;
create index cron_by_created_at on cron (created_at desc, cron_id);
create index cron_by_assistant on cron (assistant_id);
create index cron_by_thread on cron (thread_id) where thread_id is not null;
create index cron_by_metadata on cron using gin (metadata jsonb_path_ops);
