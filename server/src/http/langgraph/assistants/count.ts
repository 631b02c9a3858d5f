// POST /assistants/count
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../domain/json.ts";
import { defineOperation } from "../../operation.ts";
import { metadataSchema } from "../../wire.ts";

export const countAssistants = defineOperation({
  method: "post",
  path: "/assistants/count",
  tag: "Assistants",
  summary: "Count assistants",
  body: z.object({
    metadata: metadataSchema.nullish(),
    graph_id: z.string().nullish(),
    name: z.string().nullish(),
  }),
  bodyExample: { graph_id: "agent" },
  answers: { 200: { description: "The number of matches", schema: z.int(), example: 3 } },
  async handle({ body, services, authorize, context }) {
    const access = await authorize("assistants", "search", body);
    const query = omitUndefined({
      metadata: body.metadata ?? undefined,
      graphId: body.graph_id ?? undefined,
      name: body.name ?? undefined,
    });
    return context.json(await services.assistants.countAssistants(query, access));
  },
});
