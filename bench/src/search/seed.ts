// Fills a migrated database the way a busy server of several tenants would look: threads, runs, assistants, crons, store items.
import { createHash, randomBytes } from "node:crypto";
import pg from "pg";

export interface SeedCounts {
  threads: number;
  runs: number;
  items: number;
  crons: number;
  assistants: number;
}

/** Tenant 1 owns every fifth thread; the other 160 tenants share the rest, half a percent each. */
export const LARGE_TENANT = "tenant-1";
export const SMALL_TENANT = "tenant-2";

/** Ids are hashes of a number, so that every statement can name the same row without a join. */
const idOf = (text: string) => `overlay(overlay(md5(${text}) placing '4' from 13) placing 'a' from 17)::uuid`;
const THREAD_ID = idOf("'thread' || i");
const ASSISTANT_ID = (number: string) => idOf(`'assistant' || ${number}`);
const OWNER = "case when i % 5 = 0 then 'tenant-1' else 'tenant-' || 2 + (i / 5 * 4 + i % 5) % 160 end";

/** About 1.5 kB: four messages and a few facts about them. */
const VALUES = `jsonb_build_object(
  'messages', jsonb_build_array(
    jsonb_build_object('type', 'human', 'id', md5('a' || i), 'content', ${words("i", 6)}),
    jsonb_build_object('type', 'ai', 'id', md5('b' || i), 'content', ${words("i + 1", 10)}),
    jsonb_build_object('type', 'human', 'id', md5('c' || i), 'content', ${words("i + 2", 5)}),
    jsonb_build_object('type', 'ai', 'id', md5('d' || i), 'content', ${words("i + 3", 10)})),
  'topic', 'topic ' || (i * 7) % 100, 'language', case when i % 5 = 0 then 'de' else 'en' end, 'turns', i % 40)`;

const METADATA = `jsonb_build_object(
  'owner', ${OWNER}, 'customer', 'customer ' || i, 'graph_id', case when i % 10 = 0 then 'steps' else 'conversation' end,
  'assistant_id', ${ASSISTANT_ID("case when i % 10 = 0 then i % 300 else 0 end")}::text,
  'plan', case when i % 5 = 1 then 'pro' else 'free' end, 'region', 'region ' || (i / 3) % 50,
  'tags', jsonb_build_array('tag ' || (i / 7) % 20, 'tag ' || 20 + (i / 11) % 20))`;

const THREADS = `
  insert into thread (thread_id, status, active_count, metadata, "values", created_at, updated_at, state_updated_at)
  select ${THREAD_ID},
    case when i <= 200 then 'busy' when i % 100 = 50 then 'interrupted' when i % 200 = 75 then 'error' else 'idle' end,
    case when i <= 200 then 1 else 0 end, ${METADATA}, ${VALUES}, at, at + interval '2 hours', at + interval '1 hour'
  from generate_series(1, $1::int) as i, lateral (select now() - ($1 - i) * interval '60 seconds' as at) as times`;

/** Identifiers begin with the time, as the server's do. Those of the newest round belong to the first threads: pending and running. */
const RUNS = `
  insert into run (run_id, thread_id, assistant_id, status, metadata, kwargs, multitask_strategy, available_at, attempt,
    created_at, updated_at, started_at, ended_at, lease_owner, lease_expires_at)
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || 'a' || substr(hash, 4, 15))::uuid,
    ${idOf("'thread' || thread")}, ${ASSISTANT_ID("case when thread % 10 = 0 then thread % 300 else 0 end")}, status,
    jsonb_build_object('graph_id', 'conversation', 'source', 'bench'),
    jsonb_build_object('graphId', 'conversation', 'streamMode', jsonb_build_array('values'), 'config', '{"configurable": {}}'::jsonb,
      'input', jsonb_build_object('messages', jsonb_build_array(jsonb_build_object('role', 'user', 'content', hash || hash || hash)))),
    'enqueue', case when status = 'pending' then 'infinity' else at end, 1, at, at, at,
    case when status in ('pending', 'running') then null else at + interval '2 seconds' end,
    case when status = 'running' then 'bench' end, case when status = 'running' then timestamptz 'infinity' end
  from generate_series(1, $2::int) as i,
    lateral (select 1 + (i - 1) % $1::int as thread, now() - ($2 - i) * interval '6 seconds' as at, md5('run' || i) as hash) as drawn,
    lateral (select case
      when i > $2 - $1 and thread <= 100 then 'pending' when i > $2 - $1 and thread <= 200 then 'running'
      when i % 50 = 0 then 'error' when i % 97 = 0 then 'interrupted' when i % 501 = 0 then 'timeout' else 'success' end as status) as ended`;

const ASSISTANTS = `
  insert into assistant (assistant_id, graph_id, name, metadata, created_at)
  select ${ASSISTANT_ID("i")}, case when i % 10 = 0 then 'steps' else 'conversation' end, 'Assistant ' || i,
    jsonb_build_object('owner', ${OWNER}, 'team', 'team ' || i % 50), now() - i * interval '1 minute'
  from generate_series(0, $1::int - 1) as i`;

const CRONS = `
  insert into cron (cron_id, assistant_id, thread_id, schedule, next_run_date, payload, run_request, metadata, is_enabled, created_at)
  select ${idOf("'cron' || i")}, ${ASSISTANT_ID("i % 300")}, case when i % 2 = 0 then ${THREAD_ID} end, '0 0 1 1 *',
    now() + interval '100 days' + i * interval '1 second', '{"input": {"question": "How are we doing?"}}', '{}',
    jsonb_build_object('owner', ${OWNER}, 'kind', 'kind ' || i % 20), i % 10 <> 0, now() - i * interval '1 minute'
  from generate_series(1, $1::int) as i`;

const ITEMS = `
  insert into store_item (namespace, key, value, created_at, updated_at)
  select array[${OWNER}, 'user ' || (i / 250) % 10, 'memories'], 'memory ' || i,
    jsonb_build_object('text', ${words("i", 8)}, 'kind', case when i % 10 = 0 then 'preference' else 'fact' end, 'score', i % 100),
    now() - i * interval '1 minute', now() - i * interval '1 minute'
  from generate_series(1, $1::int) as i`;

/** Text of `count` words of 8 letters that no two rows share and that do not compress. */
function words(seed: string, count: number): string {
  const parts = Array.from({ length: count }, (_, part) => `md5('${part} ' || ${seed})`);
  return parts.join(" || ' ' || ");
}

/** @param url a database with the server's tables and nothing in them */
export async function seedDatabase(url: string, counts: SeedCounts): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 2, options: "-c synchronous_commit=off" });
  const { threads, runs, items, crons, assistants } = counts;
  try {
    await pool.query(ASSISTANTS, [assistants]);
    // Side by side, as far as no key refers to the other.
    await Promise.all([
      pool.query(RUNS, [threads, runs]),
      pool.query(THREADS, [threads]).then(async () => {
        await pool.query(CRONS, [crons]);
        await pool.query(ITEMS, [items]);
      }),
    ]);
    await pool.query("vacuum (analyze)");
  } finally {
    await pool.end();
  }
}

/** A key of the server's own, made as `holdfast keys create` makes one. */
export async function seedApiKey(url: string, owner: string, scopes: string[]): Promise<string> {
  const key = `hf_${randomBytes(32).toString("base64url")}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      "insert into api_key (key_id, key_hash, name, owner, scopes) values (gen_random_uuid(), $1, $2, $2, $3)",
      [createHash("sha256").update(key).digest(), owner, scopes],
    );
  } finally {
    await client.end();
  }
  return key;
}
