-- What is known of the last worker that lost a run's lease, for whoever has to find out why.

alter table run
  add column last_worker text,
  add column last_error text,
  add column last_lost_at timestamptz;
