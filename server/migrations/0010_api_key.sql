-- API keys of the server's own.

create table api_key (
  key_id uuid primary key,
  -- SHA-256 of 32 random bytes; the key itself is not kept.
  key_hash bytea not null unique,
  name text not null,
  -- Whose things the key makes and sees.
  owner text not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
