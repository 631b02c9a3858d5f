// For tests of the doors: an app on a real port, with in-memory use cases and an engine that plays scripted runs.
import type { Assistant } from "../domain/assistant.ts";
import { ConflictError, NotFoundError, ThreadBusyError } from "../domain/errors.ts";
import { mintId, systemAssistantId } from "../domain/ids.ts";
import type { AccessFilter } from "../domain/page.ts";
import type { AccessCheck } from "../domain/ports/authorizer.ts";
import { ANONYMOUS, type Principal } from "../domain/principal.ts";
import { isTerminal, type Run, type RunStatus } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import type { Thread } from "../domain/thread.ts";
import { createLogger } from "../observability/logger.ts";
import { createMetrics } from "../observability/metrics.ts";
import { createReport } from "../observability/report.ts";
import type { RunEngine, RunListener } from "../runs/run-engine.ts";
import type { RunRequest } from "../runs/run-request.ts";
import { createHttpApp } from "./http-app.ts";
import type { HttpServices, HttpSettings } from "./http-services.ts";
import { createFakeCrons } from "./langgraph/runs/crons/crons.fixture.ts";
import { createFakeStore } from "./langgraph/store/store.fixture.ts";
import { type HttpServer, serveHttp } from "./serve-http.ts";

export const UNKNOWN_ID = "0198c1f0-0000-7000-8000-000000000000";

/** Plays runs: a test says when events come and when a run ends. */
export class ScriptedEngine implements RunEngine {
  readonly requests: RunRequest[] = [];
  readonly cancelled: { runId: string; action: string; wait: boolean; reason?: string }[] = [];
  readonly bulkCancels: unknown[] = [];
  readonly runs = new Map<string, Run>();
  readonly events = new Map<string, StreamEvent[]>();
  readonly followerCounts = new Map<string, number>();
  readonly lastAccess: AccessFilter[] = [];
  /** Called with each new run; the place to script it. */
  onRun: (run: Run) => void = () => {};
  /** Thrown instead of creating a run. */
  refusal: Error | undefined;
  readonly #listeners = new Map<string, Set<RunListener>>();
  readonly #results = new Map<string, Promise<string>>();
  readonly #resolvers = new Map<string, (text: string) => void>();
  readonly #threads: Map<string, Thread>;

  constructor(threads: Map<string, Thread>) {
    this.#threads = threads;
  }

  async createRun(request: RunRequest, access?: AccessFilter): Promise<Run> {
    this.requests.push(request);
    this.lastAccess.push(access);
    if (this.refusal) throw this.refusal;
    if (request.threadId && !this.#threads.has(request.threadId) && request.ifNotExists !== "create") {
      throw new NotFoundError(`Thread with ID ${request.threadId} not found`);
    }
    if (request.multitaskStrategy === "reject" && this.#hasActiveRun(request.threadId)) throw new ThreadBusyError();
    const run = makeRun({ threadId: request.threadId ?? mintId(), metadata: request.metadata ?? {} });
    this.runs.set(run.runId, run);
    this.events.set(run.runId, []);
    this.#results.set(run.runId, new Promise((resolve) => this.#resolvers.set(run.runId, resolve)));
    this.emit(run.runId, "metadata", JSON.stringify({ run_id: run.runId, attempt: 1 }));
    this.onRun(run);
    return run;
  }

  #hasActiveRun(threadId: string | undefined): boolean {
    return [...this.runs.values()].some((run) => run.threadId === threadId && !isTerminal(run.status));
  }

  emit(runId: string, event: string, data: string): void {
    const events = this.events.get(runId)!;
    const numbered = { seq: events.length, event, data };
    events.push(numbered);
    for (const listener of this.#listeners.get(runId) ?? []) listener.events([numbered]);
  }

  finish(runId: string, result = "{}", status: RunStatus = "success"): void {
    this.runs.set(runId, { ...this.runs.get(runId)!, status });
    this.#resolvers.get(runId)?.(result);
    for (const listener of this.#listeners.get(runId) ?? []) listener.ended();
    this.#listeners.delete(runId);
  }

  fail(runId: string, error: unknown): void {
    for (const listener of this.#listeners.get(runId) ?? []) listener.failed(error);
    this.#listeners.delete(runId);
  }

  async findCreatedRun(runId: string): Promise<Run | undefined> {
    return this.runs.get(runId);
  }

  followRun(runId: string, afterSeq: number, listener: RunListener): () => void {
    const isOver = isTerminal(this.runs.get(runId)!.status);
    listener.events(this.events.get(runId)!.slice(afterSeq + 1));
    if (isOver) {
      listener.ended();
      return () => {};
    }
    const listeners = this.#listeners.get(runId) ?? new Set();
    this.#listeners.set(runId, listeners.add(listener));
    this.followerCounts.set(runId, listeners.size);
    return () => {
      listeners.delete(listener);
      this.followerCounts.set(runId, listeners.size);
    };
  }

  /** Tapes need rows; they are tested with the whole server. */
  followThread(): () => void {
    return () => {};
  }

  async readAgentTree(): Promise<undefined> {
    return undefined;
  }

  async expectFollower(): Promise<void> {}

  async awaitRun(runId: string, signal: AbortSignal): Promise<string> {
    const aborted = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    return Promise.race([this.#results.get(runId)!, aborted]);
  }

  async cancelRun(runId: string, _threadId: string, options: { action: string; wait: boolean }): Promise<void> {
    if (!this.runs.has(runId)) throw new NotFoundError("Run not found");
    this.cancelled.push({ runId, ...options });
  }

  async cancelRuns(query: unknown, action: string): Promise<void> {
    this.bulkCancels.push({ query, action });
  }

  async updateThreadState(threadId: string) {
    if (!this.#threads.has(threadId)) throw new NotFoundError(`Thread with ID ${threadId} not found`);
    return { threadId, checkpointNs: "", checkpointId: "c2" };
  }

  async applySupersteps(): Promise<void> {}
}

export function makeRun(fields: Partial<Run> = {}): Run {
  const now = new Date("2026-01-02T03:04:05.678Z");
  return {
    runId: mintId(),
    threadId: mintId(),
    assistantId: systemAssistantId("agent"),
    status: "pending",
    metadata: {},
    kwargs: {
      graphId: "agent",
      config: { configurable: { user_id: "u1", langgraph_auth_user_id: "secret" } },
      streamMode: ["values"],
      streamSubgraphs: false,
      streamResumable: false,
      durability: "async",
      isFollowed: false,
      isTemporary: false,
      isCheckpointed: true,
    },
    multitaskStrategy: "enqueue",
    attempt: 0,
    priority: 0,
    error: null,
    cancelReason: null,
    tapeBlock: null,
    isTaped: false,
    availableAt: now,
    createdAt: now,
    updatedAt: now,
    startedAt: null,
    endedAt: null,
    ...fields,
  };
}

export function makeThread(fields: Partial<Thread> = {}): Thread {
  const now = new Date("2026-01-02T03:04:05.678Z");
  return {
    threadId: mintId(),
    status: "idle",
    metadata: {},
    config: {},
    values: null,
    interrupts: {},
    error: null,
    ttl: null,
    createdAt: now,
    updatedAt: now,
    stateUpdatedAt: null,
    ...fields,
  };
}

function makeAssistant(fields: Partial<Assistant> = {}): Assistant {
  const now = new Date("2026-01-02T03:04:05.678Z");
  return {
    assistantId: mintId(),
    graphId: "agent",
    version: 1,
    name: "Untitled",
    description: null,
    config: {},
    context: {},
    metadata: {},
    createdAt: now,
    updatedAt: now,
    ...fields,
  };
}

export interface Fixture extends AsyncDisposable {
  services: HttpServices;
  engine: ScriptedEngine;
  threads: Map<string, Thread>;
  assistants: Map<string, Assistant>;
  logLines: string[];
  /** What the authoriser was asked; set `rule` to decide. */
  checks: AccessCheck[];
  auth: { principal: Principal; rule: (check: AccessCheck) => AccessFilter };
  server: HttpServer;
  url: string;
}

const NO_SCHEMAS = { inputSchema: { type: "object" }, outputSchema: null, stateSchema: { type: "object" } };

/** An app on a free port. Dispose it at the end of the test. */
export async function startFixture(
  overrides: { services?: Partial<HttpServices>; settings?: Partial<HttpSettings> } = {},
): Promise<Fixture> {
  const threads = new Map<string, Thread>();
  const assistants = new Map<string, Assistant>();
  const engine = new ScriptedEngine(threads);
  const logLines: string[] = [];
  const metrics = createMetrics();
  const log = createLogger({ level: "debug", destination: { write: (line: string) => logLines.push(line) } });
  const checks: AccessCheck[] = [];
  const auth: Fixture["auth"] = { principal: ANONYMOUS, rule: () => undefined };
  const services: HttpServices = {
    ...fakeRepositories(threads, assistants, engine),
    graphs: {
      listGraphs: () => [{ graphId: "agent", description: null }],
      hasGraph: (graphId) => graphId === "agent",
      drawGraph: async (_graphId, _config, xray) => ({ nodes: [], edges: [], xray }),
      readSchemas: async (graphId) => ({ graphId, ...NO_SCHEMAS, configSchema: null, contextSchema: null }),
      readSubgraphs: async (graphId, _config, { namespace }) => ({
        [namespace ?? "inner"]: { graphId, ...NO_SCHEMAS, configSchema: null, contextSchema: null },
      }),
    },
    threadStates: {
      readState: async ({ threadId }) => makeState(threadId),
      readHistory: async ({ threadId }) => [makeState(threadId)],
    },
    engine,
    store: createFakeStore(),
    crons: createFakeCrons(),
    usageReports: {
      sumUsage: async () => ({ items: [], total: 0 }),
      listCalls: async () => ({ items: [], total: 0 }),
      readAccounts: async () => [],
    },
    budgets: { tenantOf: () => null, readBudgets: async () => [], findWarnings: async () => [] },
    webhooks: { requireAllowed: () => {} },
    authorizer: {
      authenticate: async () => auth.principal,
      authorize: async (_principal, check) => {
        checks.push(structuredClone(check));
        return auth.rule(check);
      },
    },
    readiness: async () => {},
    info: { version: "0.1.0", langgraphVersion: "1.7.3" },
    metrics,
    report: createReport(log, metrics),
    // Keys are kept for nobody here; the tests of idempotency run against PostgreSQL.
    idempotency: {
      reserveKey: async ({ seed }) => ({ kind: "reserved", seed, attempt: 1 }),
      keepAnswer: async () => {},
      releaseKey: async () => {},
      forgetKey: async () => {},
      deleteExpiredKeys: async () => 0,
    },
    ...overrides.services,
  };
  const settings = { requestBodyBytesMax: 1_000_000, streamBufferBytesMax: 1_000_000, ...overrides.settings };
  const server = await serveHttp(createHttpApp(services, settings), { host: "127.0.0.1", port: 0 });
  const url = server.address.url;
  const close = () => server.close(0);
  return { services, engine, threads, assistants, logLines, checks, auth, server, url, [Symbol.asyncDispose]: close };
}

function makeState(threadId: string) {
  const values = { messages: [{ type: "human", content: "hi" }], count: 1 };
  return {
    values,
    valuesJson: JSON.stringify(values),
    next: [],
    tasks: [],
    metadata: { step: 1 },
    createdAt: "2026-01-02T03:04:05.678Z",
    checkpoint: { threadId, checkpointNs: "", checkpointId: "c1" },
    parentCheckpoint: null,
    interrupts: [],
  };
}

function fakeRepositories(
  threads: Map<string, Thread>,
  assistants: Map<string, Assistant>,
  engine: ScriptedEngine,
): Pick<HttpServices, "threads" | "assistants" | "runs"> {
  const requireIn = <T>(items: Map<string, T>, id: string, message: string): T => {
    const item = items.get(id);
    if (item === undefined) throw new NotFoundError(message);
    return item;
  };
  const pageOf = <T>(items: T[], { limit, offset }: { limit: number; offset: number }) => ({
    items: items.slice(offset, offset + limit),
    total: items.length,
  });
  return {
    threads: {
      async createThread({ threadId, metadata }, ifExists) {
        const existing = threads.get(threadId);
        if (existing && ifExists === "raise") throw new ConflictError("Thread already exists");
        const thread = existing ?? makeThread({ threadId, metadata });
        threads.set(threadId, thread);
        return thread;
      },
      findThread: async (id, access) => (access ? undefined : threads.get(id)),
      searchThreads: async (query) => pageOf([...threads.values()], query),
      countThreads: async () => threads.size,
      async updateThread(id, { metadata }) {
        const thread = requireIn(threads, id, `Thread with ID ${id} not found`);
        const changed = { ...thread, metadata: { ...thread.metadata, ...metadata } };
        threads.set(id, changed);
        return changed;
      },
      async deleteThread(id) {
        if (!threads.delete(id)) throw new NotFoundError(`Thread with ID ${id} not found`);
      },
      async copyThread(id, newId) {
        const source = threads.get(id);
        if (!source) throw new ConflictError("Thread not found");
        const copy = { ...source, threadId: newId, metadata: { ...source.metadata, thread_id: newId } };
        threads.set(newId, copy);
        return copy;
      },
      pruneThreads: async (ids) => ids.filter((id) => threads.delete(id)).length,
    },
    assistants: {
      async createAssistant(assistant, ifExists) {
        const existing = assistants.get(assistant.assistantId);
        if (existing && ifExists === "raise") throw new ConflictError("Assistant already exists");
        const created = existing ?? makeAssistant(assistant);
        assistants.set(created.assistantId, created);
        return created;
      },
      findAssistant: async (id, access) =>
        id === systemAssistantId("agent")
          ? makeAssistant({ assistantId: id })
          : access
            ? undefined
            : assistants.get(id),
      searchAssistants: async (query) => pageOf([...assistants.values()], query),
      countAssistants: async () => assistants.size,
      async updateAssistant(id, patch) {
        const assistant = requireIn(assistants, id, "Assistant not found");
        const changed = { ...assistant, ...patch, version: assistant.version + 1 };
        assistants.set(id, changed);
        return changed;
      },
      async deleteAssistant(id) {
        if (!assistants.delete(id)) throw new NotFoundError("Assistant not found");
      },
      listAssistantVersions: async (id) => (assistants.has(id) ? [assistants.get(id)!] : []),
      setLatestAssistantVersion: async (id) => requireIn(assistants, id, "Assistant not found"),
      ensureSystemAssistants: async () => {},
    },
    runs: {
      async findRun(runId, threadId, access) {
        const run = engine.runs.get(runId);
        return run && !access && (threadId === undefined || run.threadId === threadId) ? run : undefined;
      },
      listRuns: async ({ threadId }) => [...engine.runs.values()].filter((run) => run.threadId === threadId),
      async deleteRun(runId) {
        if (!engine.runs.delete(runId)) throw new NotFoundError("Run not found");
      },
      findRunIds: async () => [],
    },
  };
}
