// DELETE /threads/{thread_id}
import { defineOperation, failures } from "../../operation.ts";
import { threadPathSchema } from "./thread-wire.ts";

export const deleteThread = defineOperation({
  method: "delete",
  path: "/threads/{thread_id}",
  tag: "Threads",
  summary: "Delete a thread",
  description: "With its runs, events and checkpoints.",
  params: threadPathSchema,
  answers: { 204: { description: "Deleted" }, ...failures(404) },
  async handle({ params, services, authorize, context }) {
    const access = await authorize("threads", "delete", { thread_id: params.thread_id });
    await services.threads.deleteThread(params.thread_id, access);
    return context.body(null, 204);
  },
});
