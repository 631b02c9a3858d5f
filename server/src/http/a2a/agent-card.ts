// The agent card of an assistant: what A2A clients read first.
import { z } from "@hono/zod-openapi";
import type { Assistant } from "../../domain/assistant.ts";
import { NotFoundError } from "../../domain/errors.ts";
import { isUuid, systemAssistantId } from "../../domain/ids.ts";
import type { JsonObject } from "../../domain/json.ts";
import { type Caller, defineOperation, failures } from "../operation.ts";

/** Version of the protocol this server speaks. */
const PROTOCOL_VERSION = "0.3.0";

const CARD_ANSWERS = { 200: { description: "The agent card", schema: z.unknown() }, ...failures(404) };

export const getAgentCard = defineOperation({
  method: "get",
  path: "/a2a/{assistant_id}/.well-known/agent-card.json",
  tag: "Protocols",
  summary: "Get the A2A agent card of an assistant",
  params: z.object({ assistant_id: z.string() }),
  answers: CARD_ANSWERS,
  async handle(call) {
    return call.context.json(describeAgent(call, await requireAssistant(call, call.params.assistant_id)));
  },
});

export const getAgentCardByQuery = defineOperation({
  method: "get",
  path: "/.well-known/agent-card.json",
  tag: "Protocols",
  summary: "Get the A2A agent card of an assistant named in the query",
  query: z.object({ assistant_id: z.string() }),
  answers: CARD_ANSWERS,
  async handle(call) {
    return call.context.json(describeAgent(call, await requireAssistant(call, call.query.assistant_id)));
  },
});

/** The assistant by its id or its graph's. @throws NotFoundError */
export async function requireAssistant(call: Caller, idOrGraph: string): Promise<Assistant> {
  const { graphs, assistants } = call.services;
  const assistantId = graphs.hasGraph(idOrGraph) ? systemAssistantId(idOrGraph) : idOrGraph;
  const access = await call.authorize("assistants", "read", { assistant_id: assistantId });
  const assistant = isUuid(assistantId) ? await assistants.findAssistant(assistantId, access) : undefined;
  if (assistant === undefined) throw new NotFoundError("Assistant not found");
  return assistant;
}

function describeAgent(call: Caller, assistant: Assistant): JsonObject {
  const description = assistant.description ?? `The assistant "${assistant.name}".`;
  return {
    protocolVersion: PROTOCOL_VERSION,
    name: assistant.name,
    description,
    url: `${originOf(call)}/a2a/${assistant.assistantId}`,
    preferredTransport: "JSONRPC",
    version: String(assistant.version),
    capabilities: { streaming: true, pushNotifications: false, stateTransitionHistory: false },
    defaultInputModes: ["text/plain", "application/json"],
    defaultOutputModes: ["text/plain", "application/json"],
    skills: [{ id: assistant.graphId, name: assistant.name, description, tags: [] }],
  };
}

/** Where the client reached this server, through proxies too. */
function originOf({ context }: Caller): string {
  const url = new URL(context.req.url);
  const scheme = context.req.header("x-forwarded-proto")?.split(",")[0]?.trim() ?? url.protocol.replace(":", "");
  const host = context.req.header("x-forwarded-host")?.split(",")[0]?.trim() ?? context.req.header("host") ?? url.host;
  return `${scheme === "https" ? "https" : "http"}://${host}`;
}
