-- Long-term memory: items under namespaces, shared by all threads.

create table store_item (
  -- Sorted by byte, so that all namespaces below a prefix are one range of the primary key.
  namespace text[] collate "C" not null,
  key text collate "C" not null,
  value jsonb not null,
  ttl_minutes double precision,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- With the expiry in it, the key alone lists the namespaces.
  primary key (namespace, key) include (expires_at)
);
create index store_item_by_updated_at on store_item (updated_at desc);
create index store_item_by_expiry on store_item (expires_at) where expires_at is not null;

-- Embeddings of an item's texts, each of length 1, so that their product is the cosine of the angle between them.
create table store_vector (
  namespace text[] collate "C" not null,
  key text collate "C" not null,
  position integer not null,
  embedding real[] not null,
  primary key (namespace, key, position),
  foreign key (namespace, key) references store_item on delete cascade
);
