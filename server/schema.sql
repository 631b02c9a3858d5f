CREATE OR REPLACE FUNCTION public.tag_changed_thread()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.tag_new_thread()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.thread_tag_of(kind text, key text, value jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when length(key) > 100 then null
    when jsonb_typeof(value) in ('boolean', 'null') or (jsonb_typeof(value) = 'string' and length(value::text) <= 202)
      then kind || length(key)::text || ':' || key || value::text
    when jsonb_typeof(value) = 'number'
      then case when abs(value::numeric) < 1e30 and scale(trim_scale(value::numeric)) <= 30
        then kind || length(key)::text || ':' || key || trim_scale(value::numeric)::text end
  end
$function$;

CREATE OR REPLACE FUNCTION public.untag_all_threads()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  truncate thread_tag;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.untag_thread()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  delete from thread_tag g where g.created_at = old.created_at and g.thread_id = old.thread_id
    and g.tag = any (array(
      select thread_tag_of('m', key, value) from jsonb_each(old.metadata)
      union all
      select thread_tag_of('v', key, value)
      from jsonb_each(case when jsonb_typeof(old."values") = 'object' then old."values" end)
    ));
  return null;
end $function$;

create table api_key (
  key_id uuid not null,
  key_hash bytea not null,
  name text not null,
  owner text not null,
  scopes text[] not null,
  created_at timestamp with time zone default now() not null,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint api_key_pkey PRIMARY KEY (key_id),
  constraint api_key_key_hash_key UNIQUE (key_hash)
);

create table assistant (
  assistant_id uuid not null,
  graph_id text not null,
  version integer default 1 not null,
  version_max integer default 1 not null,
  name text not null,
  description text,
  config jsonb default '{}'::jsonb not null,
  context jsonb default '{}'::jsonb not null,
  metadata jsonb default '{}'::jsonb not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint assistant_pkey PRIMARY KEY (assistant_id)
);

create table assistant_version (
  assistant_id uuid not null,
  version integer not null,
  graph_id text not null,
  name text not null,
  description text,
  config jsonb default '{}'::jsonb not null,
  context jsonb default '{}'::jsonb not null,
  metadata jsonb default '{}'::jsonb not null,
  created_at timestamp with time zone default now() not null,
  constraint assistant_version_pkey PRIMARY KEY (assistant_id, version)
);

create table budget_account (
  account_id bigint generated always as identity not null,
  scope text not null,
  subject text not null,
  period text not null,
  period_start timestamp with time zone,
  period_end timestamp with time zone,
  tokens_spent bigint default 0 not null,
  tokens_reserved bigint default 0 not null,
  cost_spent numeric(20,12) default 0 not null,
  cost_reserved numeric(20,12) default 0 not null,
  updated_at timestamp with time zone default now() not null,
  constraint budget_account_period_check CHECK ((period = ANY (ARRAY['hour'::text, 'day'::text, 'week'::text, 'month'::text, 'total'::text]))),
  constraint budget_account_scope_check CHECK ((scope = ANY (ARRAY['run'::text, 'thread'::text, 'user'::text, 'tenant'::text, 'deployment'::text]))),
  constraint budget_account_pkey PRIMARY KEY (account_id)
);

create table checkpoint (
  thread_id text not null,
  checkpoint_ns text not null,
  checkpoint_id text not null,
  parent_checkpoint_id text,
  epoch bigint default 0 not null,
  body text not null,
  metadata jsonb not null,
  lists integer[],
  channels text[],
  constraint checkpoint_pkey PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id)
);

create table checkpoint_item (
  thread_id text not null,
  list_id integer not null,
  "position" integer not null,
  body text not null,
  constraint checkpoint_item_pkey PRIMARY KEY (thread_id, list_id, "position")
);

create table checkpoint_write (
  thread_id text not null,
  checkpoint_ns text not null,
  checkpoint_id text not null,
  task_id text not null,
  idx integer not null,
  task_path text not null,
  body text not null,
  lists integer[],
  run_id text,
  constraint checkpoint_write_pkey PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
);

create table cron (
  cron_id uuid not null,
  assistant_id uuid not null,
  thread_id uuid,
  schedule text not null,
  timezone text,
  end_time timestamp with time zone,
  next_run_date timestamp with time zone,
  payload jsonb not null,
  run_request jsonb not null,
  metadata jsonb default '{}'::jsonb not null,
  user_id text,
  is_enabled boolean default true not null,
  on_run_completed text default 'delete'::text not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint cron_on_run_completed_check CHECK ((on_run_completed = ANY (ARRAY['delete'::text, 'keep'::text]))),
  constraint cron_pkey PRIMARY KEY (cron_id)
);

create table graph_schema (
  key text not null,
  schemas jsonb not null,
  sources jsonb not null,
  created_at timestamp with time zone default now() not null,
  constraint graph_schema_pkey PRIMARY KEY (key)
);

create table idempotency_key (
  key_digest bytea not null,
  request_digest bytea not null,
  seed uuid not null,
  attempt integer default 1 not null,
  locked_until timestamp with time zone not null,
  status smallint,
  headers jsonb,
  body text,
  run_id uuid,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  constraint idempotency_key_pkey PRIMARY KEY (key_digest)
);

create table model_gate (
  model text not null,
  next_call_at timestamp with time zone,
  failure_count integer default 0 not null,
  open_until timestamp with time zone,
  updated_at timestamp with time zone default now() not null,
  constraint model_gate_pkey PRIMARY KEY (model)
);

create table run (
  run_id uuid not null,
  thread_id uuid not null,
  assistant_id uuid not null,
  status text not null,
  metadata jsonb default '{}'::jsonb not null,
  kwargs jsonb not null,
  multitask_strategy text not null,
  priority smallint default 0 not null,
  queue_order bigint generated always as identity not null,
  available_at timestamp with time zone default now() not null,
  attempt integer default 0 not null,
  lost_lease_count integer default 0 not null,
  lease_owner text,
  lease_expires_at timestamp with time zone,
  epoch bigint,
  cancel_action text,
  cancel_reason text,
  cancel_requested_at timestamp with time zone,
  error jsonb,
  final_checkpoint_id text,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  last_worker text,
  last_error text,
  last_lost_at timestamp with time zone,
  tape_block integer,
  is_waiting boolean default false not null,
  is_limited boolean default false not null,
  is_taped boolean default false not null,
  constraint run_cancel_action_check CHECK ((cancel_action = ANY (ARRAY['interrupt'::text, 'rollback'::text]))),
  constraint run_multitask_strategy_check CHECK ((multitask_strategy = ANY (ARRAY['reject'::text, 'enqueue'::text, 'interrupt'::text, 'rollback'::text]))),
  constraint run_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'success'::text, 'error'::text, 'timeout'::text, 'interrupted'::text]))),
  constraint run_pkey PRIMARY KEY (run_id)
) with (fillfactor=80);

create table run_event (
  run_id uuid not null,
  seq integer not null,
  event text not null,
  data text not null,
  omitted jsonb,
  constraint run_event_pkey PRIMARY KEY (run_id, seq)
) partition by RANGE (run_id);

create table store_item (
  namespace text[] not null,
  key text not null,
  value jsonb not null,
  ttl_minutes double precision,
  expires_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint store_item_pkey PRIMARY KEY (namespace, key) INCLUDE (expires_at)
);

create table store_vector (
  namespace text[] not null,
  key text not null,
  "position" integer not null,
  embedding real[] not null,
  constraint store_vector_pkey PRIMARY KEY (namespace, key, "position")
);

create table thread (
  thread_id uuid not null,
  status text default 'idle'::text not null,
  epoch bigint default ((EXTRACT(epoch FROM clock_timestamp()) * (1000000)::numeric))::bigint not null,
  active_count integer default 0 not null,
  metadata jsonb default '{}'::jsonb not null,
  config jsonb default '{}'::jsonb not null,
  "values" jsonb,
  omitted_channels text[] default '{}'::text[] not null,
  head_checkpoint_id text,
  interrupts jsonb default '{}'::jsonb not null,
  error jsonb,
  is_temporary boolean default false not null,
  ended_at timestamp with time zone,
  ttl_strategy text,
  ttl_minutes double precision,
  expires_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  state_updated_at timestamp with time zone,
  graph_id text generated always as (
CASE
    WHEN ((jsonb_typeof((metadata -> 'graph_id'::text)) = 'string'::text) AND (length((metadata ->> 'graph_id'::text)) <= 200)) THEN (metadata ->> 'graph_id'::text)
    ELSE NULL::text
END) stored,
  assistant_id text generated always as (
CASE
    WHEN ((jsonb_typeof((metadata -> 'assistant_id'::text)) = 'string'::text) AND (length((metadata ->> 'assistant_id'::text)) <= 200)) THEN (metadata ->> 'assistant_id'::text)
    ELSE NULL::text
END) stored,
  tape_block integer default 0 not null,
  tape_wanted_at timestamp with time zone,
  constraint thread_active_count_check CHECK ((active_count >= 0)),
  constraint thread_status_check CHECK ((status = ANY (ARRAY['idle'::text, 'busy'::text, 'interrupted'::text, 'error'::text]))),
  constraint thread_ttl_strategy_check CHECK ((ttl_strategy = ANY (ARRAY['delete'::text, 'keep_latest'::text]))),
  constraint thread_pkey PRIMARY KEY (thread_id)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.05);

create table thread_tag (
  tag text not null,
  created_at timestamp with time zone not null,
  thread_id uuid not null
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_insert_scale_factor=0.05);

create table tool_effect (
  effect_id uuid not null,
  thread_id uuid not null,
  key_digest bytea not null,
  run_id uuid not null,
  tool_name text not null,
  args text not null,
  is_idempotent boolean not null,
  status text not null,
  attempt integer default 1 not null,
  decision_count integer default 0 not null,
  token uuid not null,
  result text,
  error text,
  created_at timestamp with time zone default now() not null,
  reserved_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  constraint tool_effect_status_check CHECK ((status = ANY (ARRAY['reserved'::text, 'finished'::text, 'failed'::text, 'unknown'::text, 'skipped'::text]))),
  constraint tool_effect_pkey PRIMARY KEY (effect_id),
  constraint tool_effect_thread_id_key_digest_key UNIQUE (thread_id, key_digest)
);

create table usage_entry (
  call_id uuid not null,
  run_id uuid not null,
  thread_id uuid not null,
  epoch bigint not null,
  assistant_id uuid not null,
  graph_id text not null,
  user_id text,
  tenant_id text,
  thread_metadata jsonb not null,
  node text,
  provider text,
  model text not null,
  run_attempt integer not null,
  call_attempt integer not null,
  outcome text not null,
  is_estimated boolean default false not null,
  error text,
  provider_call_id text,
  input_tokens bigint default 0 not null,
  cached_input_tokens bigint default 0 not null,
  cache_write_tokens bigint default 0 not null,
  output_tokens bigint default 0 not null,
  reasoning_tokens bigint default 0 not null,
  cost numeric(20,12),
  price_source text,
  estimated_input_tokens bigint not null,
  reserved_tokens bigint default 0 not null,
  reserved_cost numeric(20,12) default 0 not null,
  account_ids bigint[] default '{}'::bigint[] not null,
  started_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  latency_ms integer,
  first_token_ms integer,
  constraint usage_entry_outcome_check CHECK ((outcome = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text, 'aborted'::text, 'lost'::text]))),
  constraint usage_entry_pkey PRIMARY KEY (call_id)
);

create table webhook_delivery (
  delivery_id uuid not null,
  run_id uuid not null,
  thread_id uuid not null,
  url text not null,
  payload jsonb not null,
  status text default 'pending'::text not null,
  attempt integer default 0 not null,
  available_at timestamp with time zone default now() not null,
  last_error text,
  created_at timestamp with time zone default now() not null,
  delivered_at timestamp with time zone,
  constraint webhook_delivery_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text]))),
  constraint webhook_delivery_pkey PRIMARY KEY (delivery_id)
);

create table run_event_default partition of run_event DEFAULT;

alter table assistant_version add constraint assistant_version_assistant_id_fkey FOREIGN KEY (assistant_id) REFERENCES assistant(assistant_id) ON DELETE CASCADE;

alter table cron add constraint cron_assistant_id_fkey FOREIGN KEY (assistant_id) REFERENCES assistant(assistant_id) ON DELETE CASCADE;

alter table cron add constraint cron_thread_id_fkey FOREIGN KEY (thread_id) REFERENCES thread(thread_id) ON DELETE CASCADE;

alter table store_vector add constraint store_vector_namespace_key_fkey FOREIGN KEY (namespace, key) REFERENCES store_item(namespace, key) ON DELETE CASCADE;

alter table tool_effect add constraint tool_effect_thread_id_fkey FOREIGN KEY (thread_id) REFERENCES thread(thread_id) ON DELETE CASCADE;

CREATE INDEX assistant_by_created_at ON public.assistant USING btree (created_at DESC, assistant_id);

CREATE INDEX assistant_by_graph ON public.assistant USING btree (graph_id);

CREATE INDEX assistant_by_metadata ON public.assistant USING gin (metadata jsonb_path_ops);

CREATE UNIQUE INDEX budget_account_key ON public.budget_account USING btree (scope, subject, period, COALESCE(period_start, '-infinity'::timestamp with time zone));

CREATE INDEX budget_account_updated ON public.budget_account USING btree (updated_at);

CREATE INDEX checkpoint_newest ON public.checkpoint USING btree (thread_id, checkpoint_ns, epoch, checkpoint_id);

CREATE INDEX cron_by_assistant ON public.cron USING btree (assistant_id);

CREATE INDEX cron_by_created_at ON public.cron USING btree (created_at DESC, cron_id);

CREATE INDEX cron_by_metadata ON public.cron USING gin (metadata jsonb_path_ops);

CREATE INDEX cron_by_thread ON public.cron USING btree (thread_id) WHERE (thread_id IS NOT NULL);

CREATE INDEX cron_due ON public.cron USING btree (next_run_date) WHERE is_enabled;

CREATE INDEX idempotency_key_by_expiry ON public.idempotency_key USING btree (expires_at);

CREATE INDEX run_by_lease ON public.run USING btree (lease_expires_at) WHERE (status = 'running'::text);

CREATE INDEX run_by_tape ON public.run USING btree (thread_id, tape_block) WHERE (tape_block IS NOT NULL);

CREATE INDEX run_by_thread ON public.run USING btree (thread_id, created_at DESC, run_id DESC);

CREATE UNIQUE INDEX run_one_running_per_thread ON public.run USING btree (thread_id) WHERE (status = 'running'::text);

CREATE INDEX run_pending ON public.run USING btree (priority DESC, queue_order) WHERE ((status = 'pending'::text) AND (NOT is_limited));

CREATE INDEX run_pending_by_age ON public.run USING btree (queue_order) WHERE ((status = 'pending'::text) AND (NOT is_limited));

CREATE INDEX run_pending_by_thread ON public.run USING btree (thread_id, queue_order) WHERE (status = 'pending'::text);

CREATE INDEX run_pending_limited ON public.run USING btree (assistant_id, priority DESC, queue_order) WHERE ((status = 'pending'::text) AND is_limited);

CREATE INDEX run_running_limited ON public.run USING btree (assistant_id) WHERE ((status = 'running'::text) AND is_limited);

CREATE INDEX store_item_by_expiry ON public.store_item USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE INDEX store_item_by_updated_at ON public.store_item USING btree (updated_at DESC);

CREATE INDEX thread_by_assistant ON public.thread USING btree (assistant_id, created_at DESC, thread_id) INCLUDE (status, graph_id) WHERE (NOT (is_temporary AND (ended_at IS NOT NULL)));

CREATE INDEX thread_by_created_at ON public.thread USING btree (created_at DESC, thread_id) WHERE (NOT (is_temporary AND (ended_at IS NOT NULL)));

CREATE INDEX thread_by_expiry ON public.thread USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE INDEX thread_by_graph ON public.thread USING btree (graph_id, created_at DESC, thread_id) INCLUDE (status) WHERE (NOT (is_temporary AND (ended_at IS NOT NULL)));

CREATE INDEX thread_by_metadata ON public.thread USING gin (metadata jsonb_path_ops);

CREATE INDEX thread_by_state_updated_at ON public.thread USING btree (state_updated_at DESC NULLS LAST, thread_id) WHERE (NOT (is_temporary AND (ended_at IS NOT NULL)));

CREATE INDEX thread_by_status ON public.thread USING btree (status, created_at DESC, thread_id) WHERE (NOT (is_temporary AND (ended_at IS NOT NULL)));

CREATE INDEX thread_by_updated_at ON public.thread USING btree (updated_at DESC, thread_id) WHERE (NOT (is_temporary AND (ended_at IS NOT NULL)));

CREATE INDEX thread_temporary ON public.thread USING btree (ended_at) WHERE is_temporary;

CREATE UNIQUE INDEX thread_tag_by_created_at ON public.thread_tag USING btree (tag, created_at DESC, thread_id);

CREATE INDEX tool_effect_unknown ON public.tool_effect USING btree (thread_id) WHERE (status = 'unknown'::text);

CREATE INDEX usage_entry_run ON public.usage_entry USING btree (run_id);

CREATE INDEX usage_entry_running ON public.usage_entry USING btree (started_at) WHERE (outcome = 'running'::text);

CREATE INDEX usage_entry_started ON public.usage_entry USING btree (started_at);

CREATE INDEX usage_entry_thread ON public.usage_entry USING btree (thread_id, started_at);

CREATE INDEX webhook_delivery_by_run ON public.webhook_delivery USING btree (run_id);

CREATE INDEX webhook_delivery_due ON public.webhook_delivery USING btree (available_at) WHERE (status = 'pending'::text);

CREATE INDEX webhook_delivery_ended ON public.webhook_delivery USING btree (created_at) WHERE (status <> 'pending'::text);

CREATE TRIGGER thread_tag_delete AFTER DELETE ON public.thread FOR EACH ROW WHEN ((NOT old.is_temporary)) EXECUTE FUNCTION untag_thread();

CREATE TRIGGER thread_tag_insert AFTER INSERT ON public.thread FOR EACH ROW WHEN ((NOT new.is_temporary)) EXECUTE FUNCTION tag_new_thread();

CREATE TRIGGER thread_tag_metadata AFTER UPDATE OF metadata ON public.thread FOR EACH ROW WHEN (((NOT new.is_temporary) AND (old.metadata IS DISTINCT FROM new.metadata))) EXECUTE FUNCTION tag_changed_thread('m');

CREATE TRIGGER thread_tag_truncate AFTER TRUNCATE ON public.thread FOR EACH STATEMENT EXECUTE FUNCTION untag_all_threads();

CREATE TRIGGER thread_tag_values AFTER UPDATE OF "values" ON public.thread FOR EACH ROW WHEN (((NOT new.is_temporary) AND (old."values" IS DISTINCT FROM new."values"))) EXECUTE FUNCTION tag_changed_thread('v');

CREATE TRIGGER thread_tag_x_from AFTER UPDATE OF created_at, is_temporary ON public.thread FOR EACH ROW WHEN (((old.created_at <> new.created_at) OR (old.is_temporary <> new.is_temporary))) EXECUTE FUNCTION untag_thread();

CREATE TRIGGER thread_tag_x_to AFTER UPDATE OF created_at, is_temporary ON public.thread FOR EACH ROW WHEN (((NOT new.is_temporary) AND ((old.created_at <> new.created_at) OR old.is_temporary))) EXECUTE FUNCTION tag_new_thread();
