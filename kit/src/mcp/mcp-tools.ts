// Tools of MCP servers, by configuration, under the same limits as any other; a server that is away degrades the agent and is named.
import { StructuredTool, type StructuredToolInterface, type ToolRunnableConfig } from "@langchain/core/tools";
import { createMiddleware } from "langchain";
import { type GuardedTool, guardTool } from "../tools/guard-tool.ts";
import type { ToolLimits } from "../tools/tool-limits.ts";
import { type McpConnectionOptions, McpServer, McpServerAwayError, type McpServerConfig } from "./mcp-server.ts";

/** Settings for all servers. */
export interface McpOptions extends McpConnectionOptions {
  /** Limits of their tools. */
  limits?: ToolLimits;
  /** Limits by `server` or `server.tool`, over those for all. */
  limitsBy?: Record<string, ToolLimits>;
}

/** The tools of several servers. */
export class McpTools implements AsyncDisposable {
  readonly #servers: McpServer[];
  readonly #options: McpOptions;
  readonly #guarded = new Map<string, GuardedTool>();

  /** @param servers by name, each a program to start (`command`) or an address (`url`) */
  constructor(servers: Record<string, McpServerConfig>, options: McpOptions = {}) {
    this.#servers = Object.entries(servers).map(([name, config]) => new McpServer(name, config, options));
    this.#options = options;
  }

  /**
   * The tools of all servers, connecting to those that are not connected. A server that is away keeps the tools it had, which say so when
   * they are called. Of two tools with one name the first server's is taken. Never throws for a server.
   */
  async list(): Promise<StructuredToolInterface[]> {
    const lists = await Promise.all(this.#servers.map((server) => server.listTools()));
    const byName = new Map<string, StructuredToolInterface>();
    for (const [at, tools] of lists.entries()) {
      for (const tool of tools)
        if (!byName.has(tool.name)) byName.set(tool.name, this.#guard(this.#servers[at]!, tool));
    }
    return [...byName.values()];
  }

  /** Which servers are away and why, in sentences. */
  problems(): string[] {
    return this.#servers.flatMap(({ name, problem }) =>
      problem === undefined
        ? []
        : [`The tool server "${name}" is not reachable (${problem}); its tools cannot be used now.`],
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #guard(server: McpServer, tool: StructuredToolInterface): GuardedTool {
    const key = `${server.name}.${tool.name}`;
    const known = this.#guarded.get(key);
    if (known) return known;
    const { limits, limitsBy = {} } = this.#options;
    const all = { ...limits, ...limitsBy[server.name], ...limitsBy[key] };
    const guarded = guardTool(new ServerTool(server, tool), {
      ...all,
      classifyError: (error) =>
        error instanceof McpServerAwayError ? "final" : (all.classifyError?.(error) ?? "final"),
    });
    this.#guarded.set(key, guarded);
    return guarded;
  }
}

/** A tool that finds its server anew with every call. */
class ServerTool extends StructuredTool {
  name: string;
  description: string;
  schema: StructuredToolInterface["schema"];
  readonly #server: McpServer;

  constructor(server: McpServer, tool: StructuredToolInterface) {
    super();
    this.name = tool.name;
    this.description = tool.description;
    this.schema = tool.schema;
    this.#server = server;
  }

  static override lc_name(): string {
    return "McpTool";
  }

  protected override _call(args: unknown, _manager?: unknown, config?: ToolRunnableConfig): Promise<unknown> {
    return this.#server.call(this.name, args, config?.signal);
  }
}

/**
 * Gives the tools to an agent made with createAgent, and tells the model, in the system prompt, which servers are away. Servers are asked
 * again before each call of the model, so that one that comes back is used again.
 */
export function mcpMiddleware(mcp: McpTools) {
  return createMiddleware({
    name: "Mcp",
    wrapModelCall: async (request, handler) => {
      const tools = await mcp.list();
      const problems = mcp.problems();
      const systemMessage =
        problems.length === 0 ? request.systemMessage : request.systemMessage.concat(`\n\n${problems.join("\n")}`);
      return handler({ ...request, tools: [...request.tools, ...tools], systemMessage });
    },
    wrapToolCall: async (request, handler) => {
      if (request.tool !== undefined) return handler(request);
      const tool = (await mcp.list()).find(({ name }) => name === request.toolCall.name);
      return handler(tool === undefined ? request : { ...request, tool });
    },
  });
}
