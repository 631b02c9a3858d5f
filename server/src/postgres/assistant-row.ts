// A row of the assistant table and the assistant it stands for.
import type { Assistant, GraphConfig } from "../domain/assistant.ts";
import type { JsonObject } from "../domain/json.ts";

export interface AssistantRow {
  assistant_id: string;
  graph_id: string;
  version: number;
  name: string;
  description: string | null;
  config: GraphConfig;
  context: JsonObject;
  metadata: JsonObject;
  created_at: Date;
  updated_at: Date;
}

/** The columns `toAssistant` needs; `alias` is the table's name in the query. */
export function assistantColumns(alias: string): string {
  return [
    "assistant_id",
    "graph_id",
    "version",
    "name",
    "description",
    "config",
    "context",
    "metadata",
    "created_at",
    "updated_at",
  ]
    .map((column) => `${alias}.${column}`)
    .join(", ");
}

export function toAssistant(row: AssistantRow): Assistant {
  return {
    assistantId: row.assistant_id,
    graphId: row.graph_id,
    version: row.version,
    name: row.name,
    description: row.description,
    config: row.config,
    context: row.context,
    metadata: row.metadata,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
