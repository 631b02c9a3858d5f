// JSON as values: what crosses the wire and sits in jsonb columns.

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object of unknown shape, such as metadata. */
export type JsonObject = Record<string, unknown>;

/** Removes keys whose value is `undefined`, so that they override nothing when merged or passed on. */
export function omitUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T;
}
