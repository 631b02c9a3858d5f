// POST /threads/count
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../domain/json.ts";
import { defineOperation } from "../../operation.ts";
import { jsonObjectSchema, metadataSchema } from "../../wire.ts";
import { threadStatusSchema } from "./thread-wire.ts";

export const countThreads = defineOperation({
  method: "post",
  path: "/threads/count",
  tag: "Threads",
  summary: "Count threads",
  body: z.object({
    metadata: metadataSchema.nullish(),
    values: jsonObjectSchema.nullish(),
    status: threadStatusSchema.nullish(),
  }),
  bodyExample: { status: "interrupted" },
  answers: { 200: { description: "The number of matches", schema: z.int(), example: 3 } },
  async handle({ body, services, authorize, context }) {
    const access = await authorize("threads", "search", body);
    const query = omitUndefined({
      metadata: body.metadata ?? undefined,
      values: body.values ?? undefined,
      status: body.status ?? undefined,
    });
    return context.json(await services.threads.countThreads(query, access));
  },
});
