// An assistant between the wire and our words: schemas, presenting, and finding one by its id or its graph's.
import { z } from "@hono/zod-openapi";
import {
  type Assistant,
  type AssistantSortKey,
  CONCURRENCY_MAX_KEY,
  CONCURRENCY_MAX_MAX,
} from "../../../domain/assistant.ts";
import { NotFoundError } from "../../../domain/errors.ts";
import { isUuid, systemAssistantId } from "../../../domain/ids.ts";
import type { JsonObject } from "../../../domain/json.ts";
import type { AccessFilter } from "../../../domain/page.ts";
import type { GraphSchemas } from "../../../domain/ports/graph-runtime.ts";
import type { HttpServices } from "../../http-services.ts";
import {
  graphConfigSchema,
  jsonObjectSchema,
  metadataSchema,
  presentGraphConfig,
  uuidSchema,
  versionSchema,
} from "../../wire.ts";

/** Longest name and description. */
export const NAME_CHARS_MAX = 1_000;
export const DESCRIPTION_CHARS_MAX = 100_000;

/** Metadata whose reserved keys mean something to the server. */
export const assistantMetadataSchema = metadataSchema.refine(
  ({ [CONCURRENCY_MAX_KEY]: max }) => isConcurrencyMax(max),
  {
    path: [CONCURRENCY_MAX_KEY],
    error: `must be a whole number from 1 to ${CONCURRENCY_MAX_MAX}, or null for no limit`,
  },
);

function isConcurrencyMax(max: unknown): boolean {
  if (max === undefined || max === null) return true;
  return Number.isInteger(max) && Number(max) >= 1 && Number(max) <= CONCURRENCY_MAX_MAX;
}

export const assistantPathSchema = z.object({
  assistant_id: z.string().openapi({ description: "An assistant's id or a graph's id.", example: "agent" }),
});

export const assistantSchema = z
  .object({
    assistant_id: uuidSchema,
    graph_id: z.string(),
    version: versionSchema,
    name: z.string(),
    description: z.string().nullable(),
    config: graphConfigSchema,
    context: jsonObjectSchema,
    metadata: metadataSchema,
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .openapi("Assistant", {
    example: {
      assistant_id: "fe096781-5601-53d2-b2f6-0d3403f7e9ca",
      graph_id: "agent",
      version: 1,
      name: "Polite agent",
      description: null,
      config: {},
      context: { tone: "polite" },
      metadata: {},
      created_at: "2026-01-02T03:04:05.678Z",
      updated_at: "2026-01-02T03:04:05.678Z",
    },
  });

export const ASSISTANT_FIELDS = [
  "assistant_id",
  "graph_id",
  "name",
  "description",
  "config",
  "context",
  "created_at",
  "updated_at",
  "metadata",
  "version",
] as const;

/** Sort keys on the wire and in our words. */
export const ASSISTANT_SORT_KEYS: Record<string, AssistantSortKey> = {
  assistant_id: "assistantId",
  graph_id: "graphId",
  name: "name",
  created_at: "createdAt",
  updated_at: "updatedAt",
};

export const graphSchemasSchema = z
  .object({
    graph_id: z.string(),
    input_schema: jsonObjectSchema.nullable(),
    output_schema: jsonObjectSchema.nullable(),
    state_schema: jsonObjectSchema.nullable(),
    config_schema: jsonObjectSchema.nullable(),
    context_schema: jsonObjectSchema.nullable(),
  })
  .openapi("GraphSchemas");

export function presentAssistant(assistant: Assistant): JsonObject {
  return {
    assistant_id: assistant.assistantId,
    graph_id: assistant.graphId,
    version: assistant.version,
    name: assistant.name,
    description: assistant.description,
    config: presentGraphConfig(assistant.config),
    context: assistant.context,
    metadata: assistant.metadata,
    created_at: assistant.createdAt.toISOString(),
    updated_at: assistant.updatedAt.toISOString(),
  };
}

export function presentGraphSchemas(schemas: GraphSchemas): JsonObject {
  return {
    graph_id: schemas.graphId,
    input_schema: schemas.inputSchema,
    output_schema: schemas.outputSchema,
    state_schema: schemas.stateSchema,
    config_schema: schemas.configSchema,
    context_schema: schemas.contextSchema,
  };
}

export function assistantNotFound(): NotFoundError {
  return new NotFoundError("Assistant not found");
}

/** The assistant's id where a graph's id may stand for its own assistant. @throws NotFoundError when it can be neither */
export function resolveAssistantId(services: HttpServices, text: string, missing = assistantNotFound): string {
  if (services.graphs.hasGraph(text)) return systemAssistantId(text);
  if (!isUuid(text)) throw missing();
  return text;
}

/** @throws NotFoundError when it does not exist or the caller may not see it */
export async function requireAssistant(services: HttpServices, text: string, access: AccessFilter): Promise<Assistant> {
  const assistant = await services.assistants.findAssistant(resolveAssistantId(services, text), access);
  if (assistant === undefined) throw assistantNotFound();
  return assistant;
}
