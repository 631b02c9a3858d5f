// Writes graph values as the JSON clients know: messages flat, errors as name and message, one line.
import { flattenMessage, isMessage, messageJson } from "./wire-message.ts";

/** How deep messages are looked for when composing from cached texts; below it they are still flattened, only not cached. */
const COMPOSE_DEPTH_MAX = 5;

/** Values nested deeper than this are cut off; far beyond what a client could show. */
const PLAIN_DEPTH_MAX = 200;

/** Marks the place of a reference that leads back to an object around it. */
const CIRCULAR = "[Circular]";

/** The wire form of objects that have one of their own, `undefined` for all others. */
function flattenKnown(value: object): object | undefined {
  if (isMessage(value)) return flattenMessage(value);
  if (value instanceof Error) return { error: value.name, message: value.message };
  const toDict: unknown = Reflect.get(value, "toDict");
  if (typeof toDict !== "function") return undefined;
  const dict: unknown = toDict.call(value);
  if (typeof dict !== "object" || dict === null) return undefined;
  return "data" in dict ? { ...(dict.data as object), type: Reflect.get(dict, "type") } : dict;
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return typeof Reflect.get(value, "toJSON") === "function";
}

/**
 * Plain data with the same JSON. Flattening before writing keeps `JSON.stringify` free of a replacer, which would make it ten
 * times slower. `ancestors` grows only as deep as the value.
 */
function toPlain(value: unknown, ancestors: object[]): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (ancestors.length > PLAIN_DEPTH_MAX || ancestors.includes(value)) return CIRCULAR;
  ancestors.push(value);
  const plain = toPlainObject(value, ancestors);
  ancestors.pop();
  return plain;
}

function toPlainObject(value: object, ancestors: object[]): unknown {
  if (Array.isArray(value)) return value.map((item) => toPlain(item, ancestors));
  const flat = flattenKnown(value);
  if (flat === undefined && hasToJson(value)) return toPlain(value.toJSON(), ancestors);
  const plain: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(flat ?? value)) plain[key] = toPlain(entry, ancestors);
  return plain;
}

/** The same value as plain data: messages flat, everything else as JSON would have it. */
export function toWireValue(value: unknown): unknown {
  return toPlain(value, []);
}

function stringifyPlain(value: unknown, ancestors: object[]): string {
  return JSON.stringify(toPlain(value, ancestors)) ?? "null";
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !hasToJson(value);
}

function composeList(list: unknown[], ancestors: object[]): string {
  let text = "";
  for (const item of list) text += text === "" ? compose(item, ancestors) : `,${compose(item, ancestors)}`;
  return `[${text}]`;
}

function composeObject(value: object, ancestors: object[]): string {
  let text = "";
  for (const [key, entry] of Object.entries(value)) {
    if (entry === undefined || typeof entry === "function" || typeof entry === "symbol") continue;
    text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${compose(entry, ancestors)}`;
  }
  return `{${text}}`;
}

function compose(value: unknown, ancestors: object[]): string {
  if (typeof value !== "object" || value === null || ancestors.length > COMPOSE_DEPTH_MAX) {
    return stringifyPlain(value, ancestors);
  }
  if (isMessage(value)) return messageJson(value, (flat) => stringifyPlain(flat, []));
  const isList = Array.isArray(value) && (isMessage(value[0]) || isMessage(value.at(-1)));
  if (ancestors.includes(value) || !(isList || isPlainObject(value))) return stringifyPlain(value, ancestors);
  ancestors.push(value);
  const text = isList ? composeList(value, ancestors) : composeObject(value, ancestors);
  ancestors.pop();
  return text;
}

/** One line of JSON for anything a graph can produce. Cycles (seen in `events` payloads) become `"[Circular]"`. */
export function wireJson(value: unknown): string {
  return compose(value, []);
}
