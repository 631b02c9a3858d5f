// A checkpoint and pending writes in the form they are stored in: small values inline, lists and large values as references to items.
import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import { parseLists, type Segment } from "./list-segments.ts";

/** Inline JSON as it is. */
export const PLAIN = 0;
/** Inline JSON with markers (messages, lists inside, undefined, ...). */
export const MARKED = 1;
/** Text of the serializer, `[type, payload]`. */
export const SERIALIZED = 2;
/** A list whose elements are items. */
export const LIST = 3;
/** One item. */
export const ITEM = 4;

/** One channel's value or one pending write's value, as stored. */
export interface StoredValue {
  readonly kind: 0 | 1 | 2 | 3 | 4;
  /** JSON to embed; made from `tree` when first needed. Empty for LIST and ITEM. */
  text: string | undefined;
  /** Parsed JSON, kept private: values handed out are copies. */
  readonly tree: unknown;
  readonly lists: readonly Segment[][];
}

/** The part of a checkpoint that is not its values. */
export interface CheckpointFrame {
  v: number;
  ts: string;
  /** channel_versions */
  cv: Checkpoint["channel_versions"];
  /** versions_seen */
  vs: Checkpoint["versions_seen"];
  /** Fields of other checkpoint formats. */
  x?: Record<string, unknown>;
}

/** One pending write, as stored. */
export interface StoredWrite {
  readonly channel: string;
  readonly value: StoredValue;
}

/** The pending writes of one row of checkpoint_write. */
export interface StoredWriteGroup {
  readonly taskId: string;
  readonly taskPath: string;
  /** 0 for a task's ordinary writes, negative for one special write. */
  readonly idx: number;
  readonly writes: readonly StoredWrite[];
}

/** A checkpoint, as stored. */
export interface StoredCheckpoint {
  readonly threadId: string;
  readonly checkpointNs: string;
  readonly checkpointId: string;
  readonly parentId: string | undefined;
  /** JSON of the frame, or the frame; one of them is there. */
  readonly frame: string | CheckpointFrame;
  readonly values: ReadonlyMap<string, StoredValue>;
  readonly metadata: string;
}

/** A body and the `lists` column that belongs to it. */
export interface StoredBody {
  readonly body: string;
  readonly lists: Segment[][];
}

function valueText(value: StoredValue): string {
  value.text ??= JSON.stringify(value.tree);
  return value.text;
}

/** The tail of a JSON array `[..., value, kind?, base?, count?]`; adds the value's lists to the row's. */
function appendEntry(value: StoredValue, lists: Segment[][]): string {
  const base = lists.length;
  lists.push(...value.lists);
  switch (value.kind) {
    case PLAIN:
      return valueText(value);
    case MARKED:
      return value.lists.length === 0 ? `${valueText(value)},1` : `${valueText(value)},1,${base},${value.lists.length}`;
    case SERIALIZED:
      return `${valueText(value)},2`;
    default:
      return `${base},${value.kind}`;
  }
}

function parseEntry(entry: unknown[], at: number, lists: Segment[][]): StoredValue {
  const kind = (entry[at + 1] ?? PLAIN) as StoredValue["kind"];
  if (kind === LIST || kind === ITEM)
    return { kind, text: "", tree: undefined, lists: [lists[entry[at] as number] ?? []] };
  const base = entry[at + 2] as number | undefined;
  const own = base === undefined ? [] : lists.slice(base, base + (entry[at + 3] as number));
  return { kind, text: undefined, tree: entry[at], lists: own };
}

/** Puts a checkpoint's row together. */
export function composeBody(frame: string, values: ReadonlyMap<string, StoredValue>): StoredBody {
  const lists: Segment[][] = [];
  let body = "";
  for (const [channel, value] of values) {
    body += `${body === "" ? "" : ","}${JSON.stringify(channel)}:[${appendEntry(value, lists)}]`;
  }
  return { body: `${frame.slice(0, -1)},"c":{${body}}}`, lists };
}

/** Takes a checkpoint's row apart. */
export function parseBody(body: string, lists: string | null): Pick<StoredCheckpoint, "frame" | "values"> {
  const { c, ...frame } = JSON.parse(body) as CheckpointFrame & { c: Record<string, unknown[]> };
  const segments = parseLists(lists);
  const values = new Map<string, StoredValue>();
  for (const channel of Object.keys(c)) values.set(channel, parseEntry(c[channel] as unknown[], 0, segments));
  return { frame, values };
}

/** JSON of a checkpoint's frame. */
export function composeFrame(checkpoint: Checkpoint): string {
  const { v, ts, id: _id, channel_values: _values, channel_versions, versions_seen, ...extra } = checkpoint;
  const frame: CheckpointFrame = { v, ts, cv: channel_versions ?? {}, vs: versions_seen ?? {} };
  for (const _ in extra) {
    frame.x = extra;
    break;
  }
  return JSON.stringify(frame);
}

/** Puts a row of pending writes together. */
export function composeWrites(writes: readonly StoredWrite[]): StoredBody {
  const lists: Segment[][] = [];
  let body = "";
  for (const { channel, value } of writes) {
    body += `${body === "" ? "" : ","}[${JSON.stringify(channel)},${appendEntry(value, lists)}]`;
  }
  return { body: `[${body}]`, lists };
}

/** Takes a row of pending writes apart. */
export function parseWrites(body: string, lists: string | null): StoredWrite[] {
  const segments = parseLists(lists);
  return (JSON.parse(body) as unknown[][]).map((entry) => ({
    channel: entry[0] as string,
    value: parseEntry(entry, 1, segments),
  }));
}

/** The frame, parsed if need be; do not hand out parts of it. */
export function frameOf(stored: StoredCheckpoint): CheckpointFrame {
  return typeof stored.frame === "string" ? (JSON.parse(stored.frame) as CheckpointFrame) : stored.frame;
}
