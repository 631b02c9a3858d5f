// DELETE /assistants/{assistant_id}
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../operation.ts";
import { assistantPathSchema, resolveAssistantId } from "./assistant-wire.ts";

export const deleteAssistant = defineOperation({
  method: "delete",
  path: "/assistants/{assistant_id}",
  tag: "Assistants",
  summary: "Delete an assistant",
  description: "With all its versions; with `delete_threads` also the threads whose metadata names it.",
  params: assistantPathSchema,
  query: z.object({ delete_threads: z.boolean().default(false) }),
  answers: { 204: { description: "Deleted" }, ...failures(404) },
  async handle({ params, query, services, authorize, context }) {
    const assistantId = resolveAssistantId(services, params.assistant_id);
    const access = await authorize("assistants", "delete", { assistant_id: assistantId });
    await services.assistants.deleteAssistant(assistantId, { deleteThreads: query.delete_threads }, access);
    return context.body(null, 204);
  },
});
