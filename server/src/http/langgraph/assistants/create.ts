// POST /assistants
import { z } from "@hono/zod-openapi";
import { NotFoundError } from "../../../domain/errors.ts";
import { defineOperation, failures } from "../../operation.ts";
import { graphConfigSchema, jsonObjectSchema, toGraphConfig, uuidSchema } from "../../wire.ts";
import {
  assistantMetadataSchema,
  assistantSchema,
  DESCRIPTION_CHARS_MAX,
  NAME_CHARS_MAX,
  presentAssistant,
} from "./assistant-wire.ts";

export const createAssistant = defineOperation({
  method: "post",
  path: "/assistants",
  tag: "Assistants",
  summary: "Create an assistant",
  body: z.object({
    graph_id: z.string().min(1),
    assistant_id: uuidSchema.nullish(),
    config: graphConfigSchema.nullish(),
    context: jsonObjectSchema.nullish(),
    metadata: assistantMetadataSchema.nullish(),
    if_exists: z.enum(["raise", "do_nothing"]).nullish(),
    name: z.string().max(NAME_CHARS_MAX).nullish(),
    description: z.string().max(DESCRIPTION_CHARS_MAX).nullish(),
  }),
  bodyExample: { graph_id: "agent", name: "Polite agent", context: { tone: "polite" } },
  answers: { 200: { description: "The assistant", schema: assistantSchema }, ...failures(404, 409) },
  idempotency: "body",
  async handle({ body, services, authorize, context, creation }) {
    const ifExists = body.if_exists ?? "raise";
    const value = { ...body, metadata: body.metadata ?? {}, if_exists: ifExists };
    const access = await authorize("assistants", "create", value);
    if (!services.graphs.hasGraph(value.graph_id)) throw new NotFoundError(`Graph "${value.graph_id}" not found`);
    const assistant = await services.assistants.createAssistant(
      {
        assistantId: value.assistant_id ?? creation.mintId(),
        graphId: value.graph_id,
        name: value.name ?? "Untitled",
        description: value.description ?? null,
        config: toGraphConfig(value.config),
        context: value.context ?? {},
        metadata: value.metadata,
      },
      creation.isRepeat ? "do_nothing" : ifExists,
      access,
    );
    return context.json(presentAssistant(assistant));
  },
});
