-- The usage ledger: one row for every call of a model, and the accounts of budgets that calls are reserved on.
-- Neither refers to threads or runs: what was spent stays known when they are gone.

create table usage_entry (
  call_id uuid primary key,
  run_id uuid not null,
  thread_id uuid not null,
  -- The run's right to write when the call was reserved; when the thread's has moved on, nobody will settle the entry.
  epoch bigint not null,
  assistant_id uuid not null,
  graph_id text not null,
  user_id text,
  tenant_id text,
  -- The thread's metadata at that time: says who may see the entry.
  thread_metadata jsonb not null,
  node text,
  provider text,
  model text not null,
  -- The run's attempt, and which try of one answer the call was.
  run_attempt integer not null,
  call_attempt integer not null,
  -- lost: the process died during the call; its usage is what was estimated.
  outcome text not null check (outcome in ('running', 'completed', 'failed', 'aborted', 'lost')),
  -- Whether tokens were estimated, because the call broke off before the provider told them.
  is_estimated boolean not null default false,
  error text,
  -- The provider's own id of its answer, to find the call in its logs and on its bill.
  provider_call_id text,
  -- All input, cached reads and cache writes included; all output, reasoning included.
  input_tokens bigint not null default 0,
  cached_input_tokens bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  -- US dollars; null while running, and where the model's price is unknown.
  cost numeric(20, 12),
  price_source text,
  estimated_input_tokens bigint not null,
  reserved_tokens bigint not null default 0,
  reserved_cost numeric(20, 12) not null default 0,
  account_ids bigint[] not null default '{}',
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  latency_ms integer,
  first_token_ms integer
);
create index usage_entry_run on usage_entry (run_id);
create index usage_entry_thread on usage_entry (thread_id, started_at);
create index usage_entry_started on usage_entry (started_at);
create index usage_entry_running on usage_entry (started_at) where outcome = 'running';

create table budget_account (
  account_id bigint generated always as identity primary key,
  scope text not null check (scope in ('run', 'thread', 'user', 'tenant', 'deployment')),
  -- Id of the run, thread, user or tenant; empty for the deployment.
  subject text not null,
  period text not null check (period in ('hour', 'day', 'week', 'month', 'total')),
  -- In UTC; null for `total`.
  period_start timestamptz,
  period_end timestamptz,
  tokens_spent bigint not null default 0,
  tokens_reserved bigint not null default 0,
  cost_spent numeric(20, 12) not null default 0,
  cost_reserved numeric(20, 12) not null default 0,
  updated_at timestamptz not null default now()
);
create unique index budget_account_key on budget_account
  (scope, subject, period, (coalesce(period_start, '-infinity'::timestamptz)));
create index budget_account_updated on budget_account (updated_at);
