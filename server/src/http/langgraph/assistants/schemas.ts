// GET /assistants/{assistant_id}/schemas
import { defineOperation, failures } from "../../operation.ts";
import { assistantPathSchema, graphSchemasSchema, presentGraphSchemas, requireAssistant } from "./assistant-wire.ts";

export const getAssistantSchemas = defineOperation({
  method: "get",
  path: "/assistants/{assistant_id}/schemas",
  tag: "Assistants",
  summary: "Get the JSON schemas of an assistant's graph",
  params: assistantPathSchema,
  answers: { 200: { description: "The schemas", schema: graphSchemasSchema }, ...failures(404) },
  async handle({ params, services, authorize, context }) {
    const access = await authorize("assistants", "read", { assistant_id: params.assistant_id });
    const assistant = await requireAssistant(services, params.assistant_id, access);
    return context.json(presentGraphSchemas(await services.graphs.readSchemas(assistant.graphId, assistant.config)));
  },
});
