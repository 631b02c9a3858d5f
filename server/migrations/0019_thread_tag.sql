-- An inverted index of threads: one row for each plain entry of a thread's metadata and values, so that an index alone can
-- count the threads that have an entry and list them in order. The inverted indexes of PostgreSQL itself (GIN) cannot: they have to
-- read the row of every match. An entry is a text, a number, a boolean or null under a key of the top level; long ones are left out.
create table thread_tag (
  -- What thread_tag_of makes of the entry, for example m4:plan"pro".
  tag text collate "C" not null,
  created_at timestamptz not null,
  thread_id uuid not null
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

-- Null for an entry without a tag. Numbers are equal whatever their scale, as they are to jsonb's containment.
create function thread_tag_of(kind text, key text, value jsonb) returns text language sql immutable parallel safe as $$
  select case
    when length(key) > 100 then null
    when jsonb_typeof(value) in ('boolean', 'null') or (jsonb_typeof(value) = 'string' and length(value::text) <= 202)
      then kind || length(key)::text || ':' || key || value::text
    when jsonb_typeof(value) = 'number'
      then case when abs(value::numeric) < 1e30 and scale(trim_scale(value::numeric)) <= 30
        then kind || length(key)::text || ':' || key || trim_scale(value::numeric)::text end
  end
$$;

create function tag_new_thread() returns trigger language plpgsql as $$
begin
  insert into thread_tag (tag, created_at, thread_id)
    select tag, new.created_at, new.thread_id
    from (
      select thread_tag_of('m', key, value) from jsonb_each(new.metadata)
      union all
      select thread_tag_of('v', key, value)
      from jsonb_each(case when jsonb_typeof(new."values") = 'object' then new."values" end)
    ) as made (tag)
    where tag is not null
    on conflict do nothing;
  return null;
end $$;

-- Writes only what has changed. It runs in the statement that changes the thread, under the lock of the thread's row. Values that are
-- stored encrypted are no object and have no tags.
create function tag_changed_thread() returns trigger language plpgsql as $$
declare
  kind text := tg_argv[0];
  before jsonb := case kind when 'm' then old.metadata else old."values" end;
  after jsonb := case kind when 'm' then new.metadata else new."values" end;
  old_tags text[] := array(
    select thread_tag_of(kind, key, value) from jsonb_each(case when jsonb_typeof(before) = 'object' then before end)
  );
  new_tags text[] := array(
    select thread_tag_of(kind, key, value) from jsonb_each(case when jsonb_typeof(after) = 'object' then after end)
  );
begin
  if old_tags = new_tags then return null; end if;
  delete from thread_tag g where g.created_at = new.created_at and g.thread_id = new.thread_id
    and g.tag = any (array(select unnest(old_tags) except select unnest(new_tags)));
  insert into thread_tag (tag, created_at, thread_id)
    select tag, new.created_at, new.thread_id
    from (select unnest(new_tags) except select unnest(old_tags)) as added (tag) where tag is not null
    on conflict do nothing;
  return null;
end $$;

create function untag_thread() returns trigger language plpgsql as $$
begin
  delete from thread_tag g where g.created_at = old.created_at and g.thread_id = old.thread_id
    and g.tag = any (array(
      select thread_tag_of('m', key, value) from jsonb_each(old.metadata)
      union all
      select thread_tag_of('v', key, value)
      from jsonb_each(case when jsonb_typeof(old."values") = 'object' then old."values" end)
    ));
  return null;
end $$;

create function untag_all_threads() returns trigger language plpgsql as $$
begin
  truncate thread_tag;
  return null;
end $$;

-- Threads of stateless runs live for moments and are many: they have no tags, and searches look at those that are there one by one.
create trigger thread_tag_insert after insert on thread for each row when (not new.is_temporary)
  execute function tag_new_thread();
create trigger thread_tag_metadata after update of metadata on thread for each row
  when (not new.is_temporary and old.metadata is distinct from new.metadata) execute function tag_changed_thread('m');
create trigger thread_tag_values after update of "values" on thread for each row
  when (not new.is_temporary and old."values" is distinct from new."values") execute function tag_changed_thread('v');
create trigger thread_tag_delete after delete on thread for each row when (not old.is_temporary)
  execute function untag_thread();
create trigger thread_tag_truncate after truncate on thread execute function untag_all_threads();
-- The server changes neither; whoever does it by hand must not make searches wrong. They run after those above, in order of name.
create trigger thread_tag_x_from after update of created_at, is_temporary on thread for each row
  when (old.created_at <> new.created_at or old.is_temporary <> new.is_temporary) execute function untag_thread();
create trigger thread_tag_x_to after update of created_at, is_temporary on thread for each row
  when (not new.is_temporary and (old.created_at <> new.created_at or old.is_temporary)) execute function tag_new_thread();

insert into thread_tag (tag, created_at, thread_id)
  select made.tag, t.created_at, t.thread_id
  from thread t, lateral (
    select thread_tag_of('m', key, value) from jsonb_each(t.metadata)
    union all
    select thread_tag_of('v', key, value) from jsonb_each(case when jsonb_typeof(t."values") = 'object' then t."values" end)
  ) as made (tag)
  where not t.is_temporary and made.tag is not null;
create unique index thread_tag_by_created_at on thread_tag (tag, created_at desc, thread_id);
analyze thread_tag;
