-- Tool effects: what tools did to the world outside, so that a crash neither repeats nor loses it silently.

create table tool_effect (
  -- Also the idempotency key that the tool hands on.
  effect_id uuid primary key,
  thread_id uuid not null references thread on delete cascade,
  -- SHA-256 over the task, the tool call, the tool and its arguments: the same call again finds its row.
  key_digest bytea not null,
  -- The run that reserved it last.
  run_id uuid not null,
  tool_name text not null,
  -- JSON as text, for the person who is asked.
  args text not null,
  is_idempotent boolean not null,
  -- reserved: being carried out, or broken off meanwhile. unknown: broken off, a person must say what is to be done.
  status text not null check (status in ('reserved', 'finished', 'failed', 'unknown', 'skipped')),
  attempt integer not null default 1,
  -- Answers of a person used up so far: none is used twice.
  decision_count integer not null default 0,
  -- Of the reservation that may run; tells a repeated statement from a second reservation.
  token uuid not null,
  result text,
  error text,
  created_at timestamptz not null default now(),
  reserved_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (thread_id, key_digest)
);
create index tool_effect_unknown on tool_effect (thread_id) where status = 'unknown';
