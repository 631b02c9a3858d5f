// GET /assistants/{assistant_id}/subgraphs and /assistants/{assistant_id}/subgraphs/{namespace}
import { z } from "@hono/zod-openapi";
import type { JsonObject } from "../../../domain/json.ts";
import type { GraphSchemas } from "../../../domain/ports/graph-runtime.ts";
import { type Caller, defineOperation, failures } from "../../operation.ts";
import { assistantPathSchema, graphSchemasSchema, presentGraphSchemas, requireAssistant } from "./assistant-wire.ts";

const querySchema = z.object({ recurse: z.boolean().default(false) });

const answers = {
  200: { description: "Schemas by namespace", schema: z.record(z.string(), graphSchemasSchema) },
  ...failures(404),
};

export const listAssistantSubgraphs = defineOperation({
  method: "get",
  path: "/assistants/{assistant_id}/subgraphs",
  tag: "Assistants",
  summary: "List the subgraphs of an assistant's graph",
  params: assistantPathSchema,
  query: querySchema,
  answers,
  handle: (call) => presentSubgraphs(call, call.params.assistant_id, { recurse: call.query.recurse }),
});

export const getAssistantSubgraph = defineOperation({
  method: "get",
  path: "/assistants/{assistant_id}/subgraphs/{namespace}",
  tag: "Assistants",
  summary: "List the subgraphs in a namespace of an assistant's graph",
  params: assistantPathSchema.extend({ namespace: z.string().openapi({ example: "outer|inner" }) }),
  query: querySchema,
  answers,
  handle: (call) =>
    presentSubgraphs(call, call.params.assistant_id, {
      namespace: call.params.namespace,
      recurse: call.query.recurse,
    }),
});

async function presentSubgraphs(
  { services, authorize, context }: Caller,
  assistantId: string,
  options: { namespace?: string; recurse: boolean },
): Promise<Response> {
  const access = await authorize("assistants", "read", { assistant_id: assistantId });
  const assistant = await requireAssistant(services, assistantId, access);
  const subgraphs = await services.graphs.readSubgraphs(assistant.graphId, assistant.config, options);
  return context.json(
    Object.fromEntries(Object.entries(subgraphs).map(([name, schemas]) => [name, presentSubgraph(schemas)])),
  );
}

/** Under the names of the public document and under the reference server's short ones: clients use either. */
function presentSubgraph(schemas: GraphSchemas): JsonObject {
  return {
    ...presentGraphSchemas(schemas),
    state: schemas.stateSchema,
    input: schemas.inputSchema,
    output: schemas.outputSchema,
    config: schemas.configSchema,
    context: schemas.contextSchema,
  };
}
