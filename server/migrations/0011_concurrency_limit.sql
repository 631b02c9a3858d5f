-- Runs of assistants whose concurrency is limited are claimed apart from the others, which then cost what they did before.

alter table run add column is_limited boolean not null default false;

drop index run_pending;
create index run_pending on run (priority desc, queue_order) where status = 'pending' and not is_limited;
-- For the claims that take the oldest run, whatever its priority, so that none waits for ever.
create index run_pending_by_age on run (queue_order) where status = 'pending' and not is_limited;
create index run_pending_limited on run (assistant_id, priority desc, queue_order)
  where status = 'pending' and is_limited;
create index run_running_limited on run (assistant_id) where status = 'running' and is_limited;
