// Every column that holds contents, and how one stored value is taken from one cipher to another.
import type { RunError, RunKwargs } from "../../domain/run.ts";
import type { ContentCipher, ContentPlace } from "./content-cipher.ts";
import { SEALED_PREFIX } from "./content-cipher.ts";
import { openError, openKwargs, sealError, sealKwargs } from "./sealed-columns.ts";

/** The stored text of a column (of a jsonb column, its JSON) under another cipher. */
type Reseal = (stored: string, from: ContentCipher, to: ContentCipher) => string;

export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  readonly type: "text" | "jsonb";
  /** The primary key and its types. */
  readonly key: readonly (readonly [column: string, type: string])[];
  readonly reseal: Reseal;
  /** A further column that follows from the opened content. */
  readonly derived?: {
    column: string;
    expression: string;
    value: (opened: string, to: ContentCipher) => string | null;
  };
}

const textIn =
  (place: ContentPlace): Reseal =>
  (stored, from, to) =>
    to.seal(place, from.open(place, stored));

const jsonIn =
  (place: ContentPlace): Reseal =>
  (stored, from, to) =>
    stored === "{}" ? stored : to.sealJson(place, JSON.stringify(from.openJson(place, JSON.parse(stored))));

const errorIn =
  (place: "run_error" | "thread_error"): Reseal =>
  (stored, from, to) =>
    sealError(to, place, openError(from, place, JSON.parse(stored) as object)) ?? stored;

const resealKwargs = (kwargs: RunKwargs, from: ContentCipher, to: ContentCipher): RunKwargs =>
  sealKwargs(to, openKwargs(from, kwargs));

const kwargs: Reseal = (stored, from, to) => JSON.stringify(resealKwargs(JSON.parse(stored) as RunKwargs, from, to));

/** A webhook's payload is the run's row. */
const runRow: Reseal = (stored, from, to) => {
  const row = JSON.parse(stored) as { kwargs: RunKwargs; error: RunError | null };
  const error = row.error === null ? "null" : errorIn("run_error")(JSON.stringify(row.error), from, to);
  return JSON.stringify({ ...row, kwargs: resealKwargs(row.kwargs, from, to), error: JSON.parse(error) });
};

/** A digest cannot be opened: one of an earlier key stays, and is found as long as that key is there. */
const fingerprint: Reseal = (stored, _from, to) =>
  stored.startsWith(SEALED_PREFIX) ? stored : to.fingerprint(stored).current;

const CHECKPOINT_KEY = [
  ["thread_id", "text"],
  ["checkpoint_ns", "text"],
  ["checkpoint_id", "text"],
] as const;

const column = (
  table: string,
  name: string,
  type: "text" | "jsonb",
  key: SealedColumn["key"],
  reseal: Reseal,
): SealedColumn => ({ table, column: name, type, key, reseal });

export const SEALED_COLUMNS: readonly SealedColumn[] = [
  {
    ...column("checkpoint", "body", "text", CHECKPOINT_KEY, textIn("checkpoint")),
    derived: {
      column: "channels",
      expression: "array(select jsonb_array_elements_text($::jsonb))",
      value: (opened, to) =>
        to.isOn ? JSON.stringify(Object.keys((JSON.parse(opened) as { c: Record<string, unknown> }).c)) : null,
    },
  },
  column(
    "checkpoint_item",
    "body",
    "text",
    [
      ["thread_id", "text"],
      ["list_id", "int4"],
      ["position", "int4"],
    ],
    textIn("checkpoint_item"),
  ),
  column(
    "checkpoint_write",
    "body",
    "text",
    [...CHECKPOINT_KEY, ["task_id", "text"], ["idx", "int4"]],
    textIn("checkpoint_write"),
  ),
  column(
    "run_event",
    "data",
    "text",
    [
      ["run_id", "uuid"],
      ["seq", "int4"],
    ],
    textIn("run_event"),
  ),
  column("run", "kwargs", "jsonb", [["run_id", "uuid"]], kwargs),
  column("run", "error", "jsonb", [["run_id", "uuid"]], errorIn("run_error")),
  column("thread", "values", "jsonb", [["thread_id", "uuid"]], jsonIn("thread_values")),
  column("thread", "interrupts", "jsonb", [["thread_id", "uuid"]], jsonIn("thread_interrupts")),
  column("thread", "error", "jsonb", [["thread_id", "uuid"]], errorIn("thread_error")),
  column("cron", "payload", "jsonb", [["cron_id", "uuid"]], jsonIn("cron")),
  column("cron", "run_request", "jsonb", [["cron_id", "uuid"]], jsonIn("cron")),
  column("webhook_delivery", "payload", "jsonb", [["delivery_id", "uuid"]], runRow),
  column("idempotency_key", "body", "text", [["key_digest", "bytea"]], textIn("idempotency_key")),
  column("tool_effect", "args", "text", [["effect_id", "uuid"]], fingerprint),
  column("tool_effect", "result", "text", [["effect_id", "uuid"]], textIn("tool_effect")),
  column("tool_effect", "error", "text", [["effect_id", "uuid"]], textIn("tool_effect")),
];
