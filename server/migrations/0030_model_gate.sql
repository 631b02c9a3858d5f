-- What all workers together know of each model: whose turn it is under its rate, and whether it is being left alone.
create table model_gate (
  -- As the kit names it: its spec, and its endpoint where it has one of its own.
  model text primary key,
  -- When the next call may be made, under a limit of calls a minute.
  next_call_at timestamptz,
  -- Failures in a row, over all workers.
  failure_count integer not null default 0,
  -- Until then nobody calls it.
  open_until timestamptz,
  updated_at timestamptz not null default now()
);
