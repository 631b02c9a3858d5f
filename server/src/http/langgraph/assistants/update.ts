// PATCH /assistants/{assistant_id}
import { z } from "@hono/zod-openapi";
import { NotFoundError } from "../../../domain/errors.ts";
import { omitUndefined } from "../../../domain/json.ts";
import { defineOperation, failures } from "../../operation.ts";
import { graphConfigSchema, jsonObjectSchema, toGraphConfig } from "../../wire.ts";
import {
  assistantMetadataSchema,
  assistantPathSchema,
  assistantSchema,
  DESCRIPTION_CHARS_MAX,
  NAME_CHARS_MAX,
  presentAssistant,
  resolveAssistantId,
} from "./assistant-wire.ts";

export const updateAssistant = defineOperation({
  method: "patch",
  path: "/assistants/{assistant_id}",
  tag: "Assistants",
  summary: "Update an assistant",
  description: "Always makes a new version. `metadata` is merged at the top level, the other fields are replaced.",
  params: assistantPathSchema,
  body: z.object({
    graph_id: z.string().min(1).nullish(),
    config: graphConfigSchema.nullish(),
    context: jsonObjectSchema.nullish(),
    metadata: assistantMetadataSchema.nullish(),
    name: z.string().max(NAME_CHARS_MAX).nullish(),
    description: z.string().max(DESCRIPTION_CHARS_MAX).nullish(),
  }),
  bodyExample: { context: { tone: "brief" } },
  answers: { 200: { description: "The assistant", schema: assistantSchema }, ...failures(404) },
  async handle({ params, body, services, authorize, context }) {
    const assistantId = resolveAssistantId(services, params.assistant_id);
    const value = { ...body, assistant_id: assistantId };
    const access = await authorize("assistants", "update", value);
    if (value.graph_id && !services.graphs.hasGraph(value.graph_id)) {
      throw new NotFoundError(`Graph "${value.graph_id}" not found`);
    }
    const patch = omitUndefined({
      graphId: value.graph_id ?? undefined,
      config: value.config ? toGraphConfig(value.config) : undefined,
      context: value.context ?? undefined,
      metadata: value.metadata ?? undefined,
      name: value.name ?? undefined,
      description: value.description ?? undefined,
    });
    return context.json(presentAssistant(await services.assistants.updateAssistant(assistantId, patch, access)));
  },
});
