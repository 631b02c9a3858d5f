-- Checkpoints: one row per superstep, list items and large values once per thread, one row per finished task.
-- No foreign keys: parts are written in one statement and removed by thread, run or pruning.
-- Ids sort by byte ("C"), which is the order of checkpoint ids (uuid v6) and of LangGraph's write keys.

create table checkpoint (
  thread_id text collate "C" not null,
  checkpoint_ns text collate "C" not null,
  checkpoint_id text collate "C" not null,
  parent_checkpoint_id text collate "C",
  -- Epoch of the thread under which it was written. Ids carry the writer's clock; between two writers only the epoch tells
  -- which checkpoint is newer.
  epoch bigint not null default 0,
  -- JSON as text: read and written whole, and free of jsonb's ban on the null character.
  body text not null,
  metadata jsonb not null,
  -- Ranges of checkpoint_item the body refers to, four numbers each: index of the list in this row, list, from, to.
  lists int4[],
  -- Serves lookups by id, rollback, copying and pruning of a thread.
  primary key (thread_id, checkpoint_ns, checkpoint_id)
);

-- Serves the head of a namespace and history pages.
create index checkpoint_newest on checkpoint (thread_id, checkpoint_ns, epoch, checkpoint_id);

-- Never updated: a list is only appended to, a changed item is appended again.
create table checkpoint_item (
  thread_id text collate "C" not null,
  list_id int4 not null,
  position int4 not null,
  body text not null,
  primary key (thread_id, list_id, position)
);

create table checkpoint_write (
  thread_id text collate "C" not null,
  checkpoint_ns text collate "C" not null,
  checkpoint_id text collate "C" not null,
  task_id text collate "C" not null,
  -- 0: all ordinary writes of the task; below 0: one special write (error, interrupt, resume, ...).
  idx int4 not null,
  task_path text collate "C" not null,
  body text not null,
  lists int4[],
  -- The run that wrote it, so that a rollback also removes what a run wrote under an older checkpoint.
  run_id text,
  primary key (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
);
