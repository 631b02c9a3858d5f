// The jsonb columns of runs and threads that hold contents, as they are written and read.
import type { RunError, RunKwargs } from "../../domain/run.ts";
import { storableJson } from "../storable-json.ts";
import { type ContentCipher, type ContentPlace, SEALED_PREFIX } from "./content-cipher.ts";

type ErrorPlace = Extract<ContentPlace, "run_error" | "thread_error">;

/** An error as stored: its name, which statements ask for, and all of it in one sealed text. */
interface StoredError {
  error?: unknown;
  sealed?: string;
}

/** An error's message may quote what a user wrote. */
export function sealError(cipher: ContentCipher, place: ErrorPlace, error: object | null): string | null {
  if (error === null) return null;
  const json = storableJson(JSON.stringify(error));
  if (!cipher.isOn) return json;
  const stored: StoredError = { error: Reflect.get(error, "error"), sealed: cipher.seal(place, json) };
  return storableJson(JSON.stringify(stored));
}

export function openError<T extends object>(cipher: ContentCipher, place: ErrorPlace, stored: T | null): T | null {
  const { sealed } = (stored ?? {}) as StoredError;
  return typeof sealed === "string" && sealed.startsWith(SEALED_PREFIX)
    ? (JSON.parse(cipher.open(place, sealed)) as T)
    : stored;
}

/** No interrupts stay the plain `{}` that statements ask for. */
export function sealInterrupts(cipher: ContentCipher, interrupts: object): string {
  const json = storableJson(JSON.stringify(interrupts));
  return json === "{}" ? json : cipher.sealJson("thread_interrupts", json);
}

/** What a run was asked, apart from how it is to be carried out, which statements must be able to read. */
const REQUEST_KEYS = ["input", "command", "context"] as const satisfies readonly (keyof RunKwargs)[];

/** Kwargs as stored: the request itself in one sealed text. */
type StoredKwargs = RunKwargs & { sealed?: string };

export function sealKwargs(cipher: ContentCipher, kwargs: RunKwargs): StoredKwargs {
  if (!cipher.isOn) return kwargs;
  const stored: StoredKwargs = { ...kwargs };
  const request: Partial<RunKwargs> = {};
  for (const key of REQUEST_KEYS) {
    if (stored[key] === undefined) continue;
    Object.assign(request, { [key]: stored[key] });
    delete stored[key];
  }
  stored.sealed = cipher.seal("run_request", JSON.stringify(request));
  return stored;
}

/** A run's row without what only a key could open. */
export function withoutSealed<T extends { kwargs: RunKwargs; error: RunError | null }>(row: T): T {
  const { sealed: _, ...kwargs } = row.kwargs as StoredKwargs;
  return { ...row, kwargs, error: null };
}

export function openKwargs(cipher: ContentCipher, stored: StoredKwargs): RunKwargs {
  if (stored.sealed === undefined) return stored;
  const { sealed, ...kwargs } = stored;
  return { ...kwargs, ...(JSON.parse(cipher.open("run_request", sealed)) as Partial<RunKwargs>) };
}

export function openRunError(cipher: ContentCipher, error: RunError | null): RunError | null {
  return openError(cipher, "run_error", error);
}

/** A thread's values as the text of their JSON; what is sealed is a JSON string in the column. */
export function openValuesText(cipher: ContentCipher, text: string | null): string | null {
  return text?.startsWith(`"${SEALED_PREFIX}`) ? cipher.open("thread_values", JSON.parse(text) as string) : text;
}
