// GET /usage/budgets
import { z } from "@hono/zod-openapi";
import { requireThread } from "../langgraph/threads/thread-wire.ts";
import { defineOperation, failures } from "../operation.ts";
import { uuidSchema } from "../wire.ts";
import { budgetCaller } from "./budget-header.ts";
import { budgetSchema, presentBudget } from "./usage-wire.ts";

export const readBudgets = defineOperation({
  method: "get",
  path: "/usage/budgets",
  tag: "Usage",
  summary: "Show how the caller's budgets stand",
  description:
    "Those of the caller's user and tenant and of the deployment, in the present period; with `thread_id` also the thread's.",
  query: z.object({ thread_id: uuidSchema.optional() }),
  answers: { 200: { description: "Budgets", schema: z.array(budgetSchema) }, ...failures(404) },
  async handle({ query, services, principal, authorize, context }) {
    const threadId = query.thread_id ?? null;
    const access = await authorize(
      "threads",
      threadId === null ? "search" : "read",
      threadId === null ? {} : { thread_id: threadId },
    );
    if (threadId !== null) await requireThread(services, threadId, access, { withValues: false });
    const budgets = await services.budgets.readBudgets({ ...budgetCaller(services, principal), threadId, runId: null });
    return context.json(budgets.map(presentBudget));
  },
});
