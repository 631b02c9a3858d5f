-- Idempotency keys: what a repeated create is answered with.

create table idempotency_key (
  -- SHA-256 over the principal and its key: neither is kept as text.
  key_digest bytea primary key,
  -- SHA-256 over method, path and body of the request that brought the key first.
  request_digest bytea not null,
  -- The ids of everything the request creates follow from this one, so that a second try creates nothing twice.
  seed uuid not null,
  -- Tries so far: whoever works on an older one may no longer give the key back.
  attempt integer not null default 1,
  -- Until then somebody is at work on the first answer; after it another try may take over.
  locked_until timestamptz not null,
  -- The first answer; null while there is none.
  status smallint,
  headers jsonb,
  body text,
  -- Set instead of a body where the answer is the stream or the result of this run.
  run_id uuid,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index idempotency_key_by_expiry on idempotency_key (expires_at);
