// POST /assistants/{assistant_id}/versions
import { z } from "@hono/zod-openapi";
import { NotFoundError } from "../../../domain/errors.ts";
import { omitUndefined } from "../../../domain/json.ts";
import { defineOperation, failures } from "../../operation.ts";
import { limitSchema, metadataSchema, offsetSchema } from "../../wire.ts";
import { assistantPathSchema, assistantSchema, presentAssistant, resolveAssistantId } from "./assistant-wire.ts";

export const listAssistantVersions = defineOperation({
  method: "post",
  path: "/assistants/{assistant_id}/versions",
  tag: "Assistants",
  summary: "List an assistant's versions",
  description: "Newest first.",
  params: assistantPathSchema,
  body: z.object({ metadata: metadataSchema.nullish(), limit: limitSchema, offset: offsetSchema }),
  bodyExample: { limit: 10 },
  answers: { 200: { description: "One page of versions", schema: z.array(assistantSchema) }, ...failures(404) },
  async handle({ params, body, services, authorize, context }) {
    const missing = () => new NotFoundError(`Assistant "${params.assistant_id}" not found.`);
    const assistantId = resolveAssistantId(services, params.assistant_id, missing);
    const access = await authorize("assistants", "read", { assistant_id: assistantId });
    const { limit, offset, metadata } = body;
    const query = omitUndefined({ limit, offset, metadata: metadata ?? undefined });
    const versions = await services.assistants.listAssistantVersions(assistantId, query, access);
    // No version on this page may mean that there is no such assistant.
    if (versions.length === 0 && !(await services.assistants.findAssistant(assistantId, access))) throw missing();
    return context.json(versions.map(presentAssistant));
  },
});
