// GET /assistants/{assistant_id}
import { defineOperation, failures } from "../../operation.ts";
import { assistantPathSchema, assistantSchema, presentAssistant, requireAssistant } from "./assistant-wire.ts";

export const getAssistant = defineOperation({
  method: "get",
  path: "/assistants/{assistant_id}",
  tag: "Assistants",
  summary: "Get an assistant",
  params: assistantPathSchema,
  answers: { 200: { description: "The assistant", schema: assistantSchema }, ...failures(404) },
  async handle({ params, services, authorize, context }) {
    const access = await authorize("assistants", "read", { assistant_id: params.assistant_id });
    return context.json(presentAssistant(await requireAssistant(services, params.assistant_id, access)));
  },
});
