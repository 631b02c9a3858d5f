// Derives what a JSON schema can say of a graph whose state exists only as LangGraph channels: names, and kinds where a default shows them.
import type { JsonObject } from "../domain/json.ts";

/** What LangGraph's own schemas say of a channel that holds messages; Studio shows a chat for it. */
const MESSAGES_SCHEMA: JsonObject = { type: "array", items: { type: "object" }, langgraph_type: "messages" };

/** Name of LangGraph's reducer for message lists. */
const MESSAGES_REDUCER_NAMES = new Set(["messagesStateReducer", "addMessages", "_messagesReducer"]);

interface ReducerChannel {
  operator?: { name?: string };
  initialValueFactory?: () => unknown;
}

function describeDefault(value: unknown): JsonObject {
  if (Array.isArray(value)) return { type: "array" };
  if (value === null || value === undefined) return {};
  const kind = typeof value;
  return kind === "string" || kind === "number" || kind === "boolean" || kind === "object" ? { type: kind } : {};
}

function describeChannel(definition: unknown): JsonObject {
  // Annotations without a reducer are functions that make their channel.
  const channel: unknown = typeof definition === "function" ? definition() : definition;
  if (typeof channel !== "object" || channel === null) return {};
  const { operator, initialValueFactory } = channel as ReducerChannel;
  if (operator?.name !== undefined && MESSAGES_REDUCER_NAMES.has(operator.name)) return MESSAGES_SCHEMA;
  return typeof initialValueFactory === "function" ? describeDefault(initialValueFactory()) : {};
}

/** A schema with one property per channel; `undefined` without channels. */
export function channelsSchema(channels: Record<string, unknown> | undefined): JsonObject | undefined {
  if (typeof channels !== "object" || channels === null) return undefined;
  const names = Object.keys(channels).filter((name) => !name.startsWith("__") && !name.startsWith("branch:"));
  if (names.length === 0) return undefined;
  const properties = Object.fromEntries(names.map((name) => [name, describeChannel(channels[name])]));
  return { type: "object", properties };
}
