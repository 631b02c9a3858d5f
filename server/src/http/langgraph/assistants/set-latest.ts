// POST /assistants/{assistant_id}/latest
import { z } from "@hono/zod-openapi";
import { InvalidRequestError } from "../../../domain/errors.ts";
import { defineOperation, failures } from "../../operation.ts";
import { versionSchema } from "../../wire.ts";
import { assistantPathSchema, assistantSchema, presentAssistant, resolveAssistantId } from "./assistant-wire.ts";

export const setLatestAssistantVersion = defineOperation({
  method: "post",
  path: "/assistants/{assistant_id}/latest",
  tag: "Assistants",
  summary: "Go back to a version of an assistant",
  description: "Makes no new version. The version may stand in the body or in the query.",
  params: assistantPathSchema,
  query: z.object({ version: versionSchema.optional() }),
  body: z.object({ version: versionSchema.nullish() }),
  bodyExample: { version: 1 },
  answers: { 200: { description: "The assistant", schema: assistantSchema }, ...failures(404) },
  async handle({ params, query, body, services, authorize, context }) {
    const version = body.version ?? query.version;
    if (version === undefined) throw new InvalidRequestError("body.version: a version number is needed");
    const assistantId = resolveAssistantId(services, params.assistant_id);
    const access = await authorize("assistants", "update", { assistant_id: assistantId, version });
    const assistant = await services.assistants.setLatestAssistantVersion(assistantId, version, access);
    return context.json(presentAssistant(assistant));
  },
});
