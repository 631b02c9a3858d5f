// GET /assistants/{assistant_id}/graph
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../operation.ts";
import { jsonObjectSchema } from "../../wire.ts";
import { assistantPathSchema, requireAssistant } from "./assistant-wire.ts";

/** Levels of subgraphs a drawing may open. */
const XRAY_DEPTH_MAX = 100;

export const drawAssistantGraph = defineOperation({
  method: "get",
  path: "/assistants/{assistant_id}/graph",
  tag: "Assistants",
  summary: "Draw an assistant's graph",
  params: assistantPathSchema,
  query: z.object({
    xray: z
      .union([z.boolean(), z.int().min(0).max(XRAY_DEPTH_MAX)])
      .default(false)
      .openapi({ description: "Open subgraphs: all of them, or so many levels." }),
  }),
  answers: {
    200: {
      description: "Nodes and edges",
      schema: z.object({ nodes: z.array(jsonObjectSchema), edges: z.array(jsonObjectSchema) }),
    },
    ...failures(404),
  },
  async handle({ params, query, services, authorize, context }) {
    const access = await authorize("assistants", "read", { assistant_id: params.assistant_id });
    const assistant = await requireAssistant(services, params.assistant_id, access);
    return context.json(await services.graphs.drawGraph(assistant.graphId, assistant.config, query.xray));
  },
});
