// Puts the one statement together that stores a batch of puts and putWrites, each only if its fence still holds.
import type { ContentCipher } from "../content/content-cipher.ts";
import { flattenLists } from "./list-segments.ts";
import type { WriteOp } from "./write-op.ts";

/**
 * How the fence is checked: `skip` leaves out operations whose thread row someone else has locked, so that one busy
 * thread does not hold up a batch; `wait` waits for the lock and then decides.
 */
export type FenceMode = "none" | "skip" | "wait";

/** A prepared statement and its values. Its rows are `[ordinal]` of the operations that took effect, counted from 1. */
export interface WriteStatement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

// The lock keeps a takeover (which raises the epoch) out until this statement commits, and makes it wait for one that
// is about to commit: after the wait PostgreSQL reads the epoch of the new row version. One lock per thread, so that
// all operations of a thread share its outcome.
const fencedOps = (mode: FenceMode): string => `held as materialized (
  select thread_id, epoch from thread where thread_id = any($3::uuid[]) for share${mode === "skip" ? " skip locked" : ""}
), op as materialized (
  select o.ord, o.thread_id, o.run_id, o.epoch
  from unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[]) with ordinality
    as o(thread_id, run_id, fence_thread_id, epoch, ord)
  join held h on h.thread_id = o.fence_thread_id and h.epoch = o.epoch)`;

const UNFENCED_OPS = `op as materialized (
  select o.ord, o.thread_id, null::text as run_id, null::bigint as epoch from unnest($1::text[]) with ordinality as o(thread_id, ord))`;

/** The statement for a batch; all operations are fenced, or none. */
export function writeStatement(ops: readonly WriteOp[], mode: FenceMode, cipher: ContentCipher): WriteStatement {
  const values: unknown[] = [ops.map((op) => op.threadId)];
  if (mode !== "none") {
    values.push(
      ops.map((op) => op.fence?.runId || null),
      ops.map((op) => op.fence?.threadId),
      ops.map((op) => op.fence?.epoch),
    );
  }
  let name = `holdfast_write_${mode}`;
  let text = `with ${mode === "none" ? UNFENCED_OPS : fencedOps(mode)}`;
  for (const [part, rows, insert] of [
    ["i", itemRows(ops, cipher), INSERT_ITEMS],
    ["c", checkpointRows(ops, cipher), INSERT_CHECKPOINTS],
    ["w", writeRows(ops, cipher), INSERT_WRITES],
  ] as const) {
    if (rows === undefined) continue;
    name += part;
    text += `,\n${insert(values.length)}`;
    values.push(...rows);
  }
  return { name, text: `${text}\nselect ord from op`, values };
}

type Columns = unknown[][] | undefined;

function itemRows(ops: readonly WriteOp[], cipher: ContentCipher): Columns {
  const columns: unknown[][] = [[], [], [], []];
  ops.forEach((op, index) => {
    for (const { slot, text } of op.items)
      pushRow(columns, [index + 1, slot.list, slot.position, cipher.seal("checkpoint_item", text)]);
  });
  return columns[0]?.length === 0 ? undefined : columns;
}

// Plain inserts: an item that is there already belongs to another writer, and the operation must move its own.
const INSERT_ITEMS = (at: number): string => `new_item as (
  insert into checkpoint_item (thread_id, list_id, position, body)
  select op.thread_id, i.list_id, i.position, i.body
  from unnest(${placeholders(at, "int4", "int4", "int4", "text")}) as i(ord, list_id, position, body)
  join op on op.ord = i.ord)`;

function checkpointRows(ops: readonly WriteOp[], cipher: ContentCipher): Columns {
  const columns: unknown[][] = [[], [], [], [], [], [], [], []];
  ops.forEach(({ checkpoint }, index) => {
    if (checkpoint === undefined) return;
    const { checkpointNs, checkpointId, parentId, metadata, lists } = checkpoint;
    const body = cipher.seal("checkpoint", checkpoint.body);
    const channels = cipher.isOn ? JSON.stringify(checkpoint.channels) : null;
    const row = [
      index + 1,
      checkpointNs,
      checkpointId,
      parentId ?? null,
      body,
      metadata,
      flattenLists(lists),
      channels,
    ];
    pushRow(columns, row);
  });
  return columns[0]?.length === 0 ? undefined : columns;
}

/** Without a fence a checkpoint is as new as what is there; its id decides. */
const UNFENCED_EPOCH = `(select max(k.epoch) from checkpoint k
      where k.thread_id = op.thread_id and k.checkpoint_ns = c.checkpoint_ns)`;

const INSERT_CHECKPOINTS = (at: number): string => `new_checkpoint as (
  insert into checkpoint (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, body, metadata, lists, channels, epoch)
  select op.thread_id, c.checkpoint_ns, c.checkpoint_id, c.parent_id, c.body, c.metadata::jsonb, c.lists::int4[],
    case when c.channels is not null then array(select jsonb_array_elements_text(c.channels::jsonb)) end,
    coalesce(op.epoch, ${UNFENCED_EPOCH}, 0)
  from unnest(${placeholders(at, "int4", "text", "text", "text", "text", "text", "text", "text")})
    as c(ord, checkpoint_ns, checkpoint_id, parent_id, body, metadata, lists, channels)
  join op on op.ord = c.ord
  on conflict (thread_id, checkpoint_ns, checkpoint_id)
  do update set body = excluded.body, metadata = excluded.metadata, lists = excluded.lists,
    channels = excluded.channels, epoch = excluded.epoch)`;

function writeRows(ops: readonly WriteOp[], cipher: ContentCipher): Columns {
  const columns: unknown[][] = [[], [], [], [], [], [], [], []];
  ops.forEach((op, index) => {
    for (const { checkpointNs, checkpointId, taskId, idx, taskPath, body, lists } of op.writes) {
      const sealed = cipher.seal("checkpoint_write", body);
      pushRow(columns, [index + 1, checkpointNs, checkpointId, taskId, idx, taskPath, sealed, flattenLists(lists)]);
    }
  });
  return columns[0]?.length === 0 ? undefined : columns;
}

// A task's ordinary writes are kept as they were first written; special ones (interrupt, resume, ...) are replaced.
const INSERT_WRITES = (at: number): string => `new_write as (
  insert into checkpoint_write
    (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, task_path, body, lists, run_id)
  select op.thread_id, w.checkpoint_ns, w.checkpoint_id, w.task_id, w.idx, w.task_path, w.body, w.lists::int4[], op.run_id
  from unnest(${placeholders(at, "int4", "text", "text", "text", "int4", "text", "text", "text")})
    as w(ord, checkpoint_ns, checkpoint_id, task_id, idx, task_path, body, lists)
  join op on op.ord = w.ord
  on conflict (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
  do update set task_path = excluded.task_path, body = excluded.body, lists = excluded.lists, run_id = excluded.run_id
  where excluded.idx < 0)`;

function pushRow(columns: unknown[][], row: unknown[]): void {
  for (let i = 0; i < row.length; i++) (columns[i] as unknown[]).push(row[i]);
}

function placeholders(at: number, ...types: string[]): string {
  return types.map((type, index) => `$${at + index + 1}::${type}[]`).join(", ");
}
