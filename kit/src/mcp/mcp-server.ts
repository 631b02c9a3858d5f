// One MCP server: connected when needed, connected again after it died, and said to be away meanwhile.
import type { StructuredToolInterface } from "@langchain/core/tools";
import { type Backoff, backoffDelayMs } from "../retries/backoff.ts";

/** A server that is a program of its own, spoken to over its standard input and output. */
export interface McpProgram {
  command: string;
  args?: string[];
  /** Variables of the program; nothing else of this process' environment but PATH and HOME reaches it. */
  env?: Record<string, string>;
  cwd?: string;
}

/** A server spoken to over streamable HTTP. */
export interface McpAddress {
  url: string;
  headers?: Record<string, string>;
}

/** How to reach a server. */
export type McpServerConfig = McpProgram | McpAddress;

/** Limits of a connection. */
export interface McpConnectionOptions {
  /** Longest time to connect and list the tools, in milliseconds. @default 10,000 */
  connectTimeoutMs?: number;
  /** Waits between attempts to connect again. @default up to 1 s, 2 s, 4 s, … 30 s */
  backoff?: Backoff;
}

const defaults = { connectTimeoutMs: 10_000, backoff: { firstDelayMs: 1_000, delayMsMax: 30_000 } };

interface Client {
  getTools(): Promise<StructuredToolInterface[]>;
  close(): Promise<void>;
}

/** The server is away; its tools cannot be called now. */
export class McpServerAwayError extends Error {
  /** For error classes: nothing was done, and asking again at once is of no use. */
  readonly code = "mcp_server_away";

  constructor(name: string, reason: string) {
    super(`The tool server "${name}" is not reachable: ${reason}`);
    this.name = "McpServerAwayError";
  }
}

export class McpServer {
  readonly name: string;
  readonly #config: McpServerConfig;
  readonly #options: Required<McpConnectionOptions>;
  #client: Client | undefined;
  #connecting: Promise<StructuredToolInterface[]> | undefined;
  #tools: StructuredToolInterface[] = [];
  #failedCount = 0;
  #retryAt = 0;
  /** Why it is away; undefined while it is there. */
  problem: string | undefined;

  constructor(name: string, config: McpServerConfig, options: McpConnectionOptions = {}) {
    this.name = name;
    this.#config = config;
    this.#options = { ...defaults, ...options };
  }

  /** Its tools as last listed, also while it is away; connects where it is time to. Never throws. */
  async listTools(): Promise<StructuredToolInterface[]> {
    if (this.#client === undefined && Date.now() >= this.#retryAt) await this.#connect().catch(() => undefined);
    return this.#tools;
  }

  /** Calls one of its tools. @throws McpServerAwayError, or what the tool throws */
  async call(toolName: string, args: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    if (this.#client === undefined) {
      if (Date.now() < this.#retryAt) throw new McpServerAwayError(this.name, this.problem ?? "it failed a moment ago");
      await this.#connect();
    }
    const tool = this.#tools.find(({ name }) => name === toolName);
    if (tool === undefined) throw new Error(`The tool server "${this.name}" has no tool "${toolName}" any more.`);
    try {
      return await tool.invoke(args as never, { ...(signal && { signal }) });
    } catch (error) {
      if (signal?.aborted || !isConnectionLost(error)) throw error;
      await this.#drop(error);
      throw new McpServerAwayError(this.name, this.problem!);
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close().catch(() => undefined);
  }

  #connect(): Promise<StructuredToolInterface[]> {
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(): Promise<StructuredToolInterface[]> {
    let client: Client | undefined;
    try {
      // Some 200 ms to load: only for agents that use MCP.
      const { MultiServerMCPClient } = await import("@langchain/mcp-adapters");
      client = new MultiServerMCPClient({
        mcpServers: { [this.name]: toConnection(this.#config) },
        throwOnLoadError: true,
        prefixToolNameWithServerName: false,
        additionalToolNamePrefix: "",
      }) as unknown as Client;
      this.#tools = await withTimeout(client.getTools(), this.#options.connectTimeoutMs);
      this.#client = client;
      this.problem = undefined;
      this.#failedCount = 0;
      return this.#tools;
    } catch (error) {
      await client?.close().catch(() => undefined);
      this.#fail(error);
      throw new McpServerAwayError(this.name, this.problem!);
    }
  }

  async #drop(error: unknown): Promise<void> {
    await this.close();
    this.#fail(error);
  }

  #fail(error: unknown): void {
    this.problem = (error instanceof Error ? error.message : String(error)).split("\n")[0]!.slice(0, 300);
    this.#failedCount++;
    this.#retryAt = Date.now() + backoffDelayMs(this.#failedCount, this.#options.backoff, undefined);
  }
}

function toConnection(config: McpServerConfig) {
  if ("url" in config)
    return {
      transport: "http" as const,
      url: config.url,
      ...(config.headers && { headers: config.headers }),
      automaticSSEFallback: false,
    };
  const { command, args = [], env, cwd } = config;
  return {
    transport: "stdio" as const,
    command,
    args,
    ...(env && { env }),
    ...(cwd && { cwd }),
    stderr: "ignore" as const,
  };
}

/** What the client library says when the other side is gone, as against an error that the tool itself reports. */
function isConnectionLost(error: unknown): boolean {
  const text = `${(error as Error)?.name} ${(error as Error)?.message} ${String((error as Error)?.cause ?? "")}`;
  return /not connected|connection closed|fetch failed|ECONNREFUSED|ECONNRESET|EPIPE|socket hang up|terminated|session not found|no valid session/i.test(
    text,
  );
}

async function withTimeout<Value>(work: Promise<Value>, timeoutMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not answer within ${timeoutMs / 1000} seconds`)), timeoutMs);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
