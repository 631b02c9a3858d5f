-- The tape of a thread: its runs' protocol events in one order. Every run owns a block of numbers on it.

-- Number of the newest block; raised when a run is claimed for the first time.
alter table thread add column tape_block integer not null default 0;

alter table run
  -- The run's block; null until it is claimed or ended without that.
  add column tape_block integer,
  -- Whether the run ended with its thread waiting for a human.
  add column is_waiting boolean not null default false;

create index run_by_tape on run (thread_id, tape_block) where tape_block is not null;
