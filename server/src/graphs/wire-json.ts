// Writes graph values as the JSON clients know: messages flat, errors as name and message, one line.
import { flattenMessage, isMessage, messageJson } from "./wire-message.ts";

/** How deep messages are looked for when composing from cached texts; below it they are still flattened, only not cached. */
const COMPOSE_DEPTH_MAX = 5;

/** Marks the place of a reference that leads back to an object around it. */
const CIRCULAR = "[Circular]";

function flattenUnknown(value: object): unknown {
  if (isMessage(value)) return flattenMessage(value);
  if (value instanceof Error) return { error: value.name, message: value.message };
  const toDict: unknown = Reflect.get(value, "toDict");
  if (typeof toDict !== "function") return undefined;
  const dict: unknown = toDict.call(value);
  if (typeof dict !== "object" || dict === null || !("data" in dict)) return dict;
  return { ...(dict.data as object), type: Reflect.get(dict, "type") };
}

/** `JSON.stringify` calls `toJSON` first, which for messages gives the constructor form: the holder has the real value. */
function wireReplacer(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value !== "object" || value === null) return value;
  const raw: unknown = Reflect.get(this as object, key);
  if (typeof raw !== "object" || raw === null) return value;
  return flattenUnknown(raw) ?? value;
}

function stringifyPlain(value: unknown): string {
  return JSON.stringify(value, wireReplacer) ?? "null";
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && typeof Reflect.get(value, "toJSON") !== "function";
}

function compose(value: unknown, depth: number): string {
  if (typeof value !== "object" || value === null || depth > COMPOSE_DEPTH_MAX) return stringifyPlain(value);
  if (isMessage(value)) return messageJson(value, stringifyPlain);
  if (Array.isArray(value)) {
    if (!isMessage(value[0]) && !isMessage(value.at(-1))) return stringifyPlain(value);
    return `[${value.map((item) => compose(item, depth + 1)).join(",")}]`;
  }
  if (!isPlainObject(value)) return stringifyPlain(value);
  const parts: string[] = [];
  for (const [key, entry] of Object.entries(value)) {
    if (entry === undefined || typeof entry === "function" || typeof entry === "symbol") continue;
    parts.push(`${JSON.stringify(key)}:${compose(entry, depth + 1)}`);
  }
  return `{${parts.join(",")}}`;
}

function withoutCycles(value: unknown, ancestors: object[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (ancestors.includes(value)) return CIRCULAR;
  const flat = flattenUnknown(value) ?? value;
  const path = [...ancestors, value];
  if (Array.isArray(flat)) return flat.map((item) => withoutCycles(item, path));
  return Object.fromEntries(Object.entries(flat).map(([key, entry]) => [key, withoutCycles(entry, path)]));
}

/** One line of JSON for anything a graph can produce. Cycles (seen in `events` payloads) become `"[Circular]"`. */
export function wireJson(value: unknown): string {
  try {
    return compose(value, 0);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    return stringifyPlain(withoutCycles(value, []));
  }
}

/** The same value as plain data: messages flat, everything else as it is. Shares what needs no change. */
export function toWireValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const flat = flattenUnknown(value);
  if (flat !== undefined) return flat;
  if (Array.isArray(value)) return value.map(toWireValue);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toWireValue(entry)]));
}
