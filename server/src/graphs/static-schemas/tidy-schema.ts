// Makes a generated JSON schema readable: definitions without a name of the author's are put where they are used.
import type { JsonObject } from "../../domain/json.ts";
import { MESSAGE_TYPE } from "./schema-source.ts";

const REF_PREFIX = "#/definitions/";
/** Type names that somebody wrote; others are spelled-out types. */
const WRITTEN_NAME = /^[A-Za-z_$][\w$]*$/;

/** What LangGraph's own schemas say of a list of messages; Studio shows a chat for it. */
const MESSAGES_MARK = { langgraph_type: "messages" };

/** The schema without what says nothing; `undefined` where it describes no object with properties. */
export function tidySchema(generated: JsonObject | null): JsonObject | undefined {
  if (generated === null || generated.type !== "object" || !hasProperties(generated)) return undefined;
  const definitions = (generated.definitions ?? {}) as Record<string, JsonObject>;
  const { $schema: _, definitions: _definitions, ...root } = generated;
  const kept = new Set<string>();
  const tidied = tidy(root, definitions, [], kept) as JsonObject;
  const left: Record<string, unknown> = {};
  // Named ones may refer to others: the set grows while it is gone through.
  for (const name of kept) left[name] = tidy(definitions[name], definitions, [name], kept);
  return Object.keys(left).length === 0 ? tidied : { ...tidied, definitions: left };
}

function hasProperties({ properties }: JsonObject): boolean {
  return typeof properties === "object" && properties !== null && Object.keys(properties).length > 0;
}

function tidy(node: unknown, definitions: Record<string, JsonObject>, within: string[], kept: Set<string>): unknown {
  if (Array.isArray(node)) return node.map((item) => tidy(item, definitions, within, kept));
  if (typeof node !== "object" || node === null) return node;
  const record = node as JsonObject;
  const name = refName(record);
  if (name !== undefined && !WRITTEN_NAME.test(name) && !within.includes(name) && definitions[name] !== undefined)
    return tidy(definitions[name], definitions, [...within, name], kept);
  if (name !== undefined) kept.add(name);
  const entries = Object.entries(record).map(([key, value]) => [key, tidy(value, definitions, within, kept)]);
  return { ...Object.fromEntries(entries), ...(isMessageList(record) ? MESSAGES_MARK : {}) };
}

function refName({ $ref }: JsonObject): string | undefined {
  return typeof $ref === "string" ? decodeURIComponent($ref.slice(REF_PREFIX.length)) : undefined;
}

function isMessageList({ type, items }: JsonObject): boolean {
  return (
    type === "array" && typeof items === "object" && items !== null && refName(items as JsonObject) === MESSAGE_TYPE
  );
}
