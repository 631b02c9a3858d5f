// POST /runs/crons/count
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../../domain/json.ts";
import { defineOperation } from "../../../operation.ts";
import { metadataSchema, uuidSchema } from "../../../wire.ts";
import { toAssistantId } from "./cron-wire.ts";

export const countCrons = defineOperation({
  method: "post",
  path: "/runs/crons/count",
  tag: "Crons",
  summary: "Count crons",
  body: z.object({
    assistant_id: z.string().nullish(),
    thread_id: uuidSchema.nullish(),
    metadata: metadataSchema.nullish(),
  }),
  bodyExample: { assistant_id: "agent" },
  answers: { 200: { description: "Their number", schema: z.int() } },
  async handle({ body, services, authorize, context }) {
    const access = await authorize("crons", "search", body);
    const query = omitUndefined({
      assistantId: toAssistantId(services, body.assistant_id),
      threadId: body.thread_id ?? undefined,
      metadata: body.metadata ?? undefined,
    });
    return context.json(await services.crons.countCrons(query, access));
  },
});
