// Assistants as MCP tools: their names, descriptions and input schemas, and what calling one means.
import type { Assistant } from "../../domain/assistant.ts";
import type { JsonObject } from "../../domain/json.ts";
import { RPC_CODES, RpcError } from "../json-rpc.ts";
import { createRun } from "../langgraph/runs/create-run.ts";
import type { Caller } from "../operation.ts";

/** A tool as MCP clients see it. */
export interface Tool {
  name: string;
  description: string;
  inputSchema: JsonObject & { type: "object" };
}

/** What a tool call came to. */
export interface CallToolResult {
  content: { type: "text"; text: string }[];
  isError: boolean;
}

/** Assistants on one page of the tool list. */
const PAGE_COUNT = 100;
/** MCP clients accept names of this form. */
const NAME_CHARS_MAX = 64;

/** The name of an assistant's tool; an unclear name is made clear by the beginning of the id. */
export function toolName({ name, graphId, assistantId, metadata }: Assistant): string {
  const isSystem = metadata.created_by === "system";
  const suffix = isSystem ? "" : `_${assistantId.slice(0, 8)}`;
  const plain = (isSystem ? graphId : name).replaceAll(/[^A-Za-z0-9_-]+/g, "_");
  return `${plain.slice(0, NAME_CHARS_MAX - suffix.length)}${suffix}`;
}

/** One page of tools; the cursor is the offset of the next page. @throws RpcError for a cursor that is none */
export async function listTools(
  call: Caller,
  cursor: string | undefined,
): Promise<{ tools: Tool[]; nextCursor?: string }> {
  const offset = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isInteger(offset) || offset < 0)
    throw new RpcError(RPC_CODES.invalidParams, "cursor is not one of this server's");
  const assistants = await searchAssistants(call, offset);
  const tools = await Promise.all(assistants.map((assistant) => describeTool(call, assistant)));
  return assistants.length === PAGE_COUNT ? { tools, nextCursor: String(offset + PAGE_COUNT) } : { tools };
}

async function searchAssistants(call: Caller, offset: number): Promise<Assistant[]> {
  const access = await call.authorize("assistants", "search", { limit: PAGE_COUNT, offset });
  const query = { limit: PAGE_COUNT, offset, sortBy: "createdAt", sortOrder: "asc" } as const;
  return (await call.services.assistants.searchAssistants(query, access)).items;
}

async function describeTool({ services }: Caller, assistant: Assistant): Promise<Tool> {
  const schemas = await services.graphs.readSchemas(assistant.graphId, assistant.config).catch(() => undefined);
  const input = schemas?.inputSchema;
  return {
    name: toolName(assistant),
    description: assistant.description ?? `Runs the assistant "${assistant.name}".`,
    inputSchema: input?.type === "object" ? ({ ...input, type: "object" } as const) : { type: "object" },
  };
}

/** Runs the assistant behind a tool to its end, without a thread that stays. A failed run is a result with `isError`. */
export async function callTool(
  call: Caller,
  params: { name: string; arguments?: JsonObject },
  signal: AbortSignal,
): Promise<CallToolResult> {
  const assistant = await findByToolName(call, params.name);
  if (assistant === undefined) throw new RpcError(RPC_CODES.invalidParams, `Unknown tool: ${params.name}`);
  const run = await createRun(call, { body: { assistant_id: assistant.assistantId, input: params.arguments ?? {} } });
  const text = await call.services.engine.awaitRun(run.runId, signal);
  const isError = "__error__" in (JSON.parse(text) as object);
  return { content: [{ type: "text", text }], isError };
}

async function findByToolName(call: Caller, name: string): Promise<Assistant | undefined> {
  for (let offset = 0; ; offset += PAGE_COUNT) {
    const assistants = await searchAssistants(call, offset);
    const found = assistants.find((assistant) => toolName(assistant) === name);
    if (found !== undefined || assistants.length < PAGE_COUNT) return found;
  }
}
