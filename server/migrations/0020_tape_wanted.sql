-- Runs of the first protocol compute events of the event protocol too, where somebody follows their thread by it.

-- When the thread was last followed by the event protocol or got a run of it; null for never.
alter table thread add column tape_wanted_at timestamptz;

-- Whether the run computes events of the event protocol; decided when it is claimed for the first time.
alter table run add column is_taped boolean not null default false;
