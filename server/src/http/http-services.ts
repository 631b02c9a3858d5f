// What the doors are given: the use cases behind them and the limits they keep.
import type { HttpBindings } from "@hono/node-server";
import type { Context, Hono } from "hono";
import type { WebSocket } from "ws";
import type { JsonObject } from "../domain/json.ts";
import type { AssistantRepository } from "../domain/ports/assistant-repository.ts";
import type { Authorizer } from "../domain/ports/authorizer.ts";
import type { BudgetView } from "../domain/ports/budget-view.ts";
import type { CronRepository } from "../domain/ports/cron-repository.ts";
import type { GraphCatalog, ThreadStateReader } from "../domain/ports/graph-runtime.ts";
import type { IdempotencyRepository } from "../domain/ports/idempotency-repository.ts";
import type { RunRepository } from "../domain/ports/run-repository.ts";
import type { StoreRepository } from "../domain/ports/store-repository.ts";
import type { ThreadRepository } from "../domain/ports/thread-repository.ts";
import type { UsageReports } from "../domain/ports/usage-ledger.ts";
import type { UserInterfaces } from "../domain/ports/user-interfaces.ts";
import type { Principal } from "../domain/principal.ts";
import type { NewThread } from "../domain/thread.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Report } from "../observability/report.ts";
import type { RunEngine } from "../runs/run-engine.ts";
import type { WebhookPolicy } from "../webhooks/webhook-policy.ts";
import type { HeaderChooser } from "./header-choice.ts";
import type { OperationGroup } from "./operation-groups.ts";

/** What `POST /internal/truncate` may empty. */
export interface TruncateTargets {
  runs: boolean;
  threads: boolean;
  assistants: boolean;
  store: boolean;
  checkpointer: boolean;
}

/** Facts about this server that never change while it runs; shown by `/info`. */
export interface ServerInfo {
  /** Holdfast's version. */
  version: string;
  /** Version of `@langchain/langgraph` that runs the graphs. */
  langgraphVersion: string;
  /** Further flags for `/info`, for features that are switched on. */
  flags?: Record<string, boolean>;
}

export interface HttpServices {
  assistants: AssistantRepository;
  threads: ThreadRepository;
  runs: RunRepository;
  idempotency: IdempotencyRepository;
  store: StoreRepository;
  crons: CronRepository;
  usageReports: UsageReports;
  budgets: BudgetView;
  /** Says which webhooks a run may ask for. */
  webhooks: Pick<WebhookPolicy, "requireAllowed">;
  graphs: GraphCatalog;
  threadStates: ThreadStateReader;
  engine: RunEngine;
  authorizer: Authorizer;
  /** Components for agents' messages; absent where the project has none. */
  userInterfaces?: UserInterfaces;
  /** Resolves when the server can do its work. @throws DatabaseUnavailableError, ShuttingDownError */
  readiness(): Promise<void>;
  info: ServerInfo;
  metrics: Metrics;
  report: Report;
  /** Present only where `HOLDFAST_ALLOW_TRUNCATE` allows it; without it the path does not exist. */
  truncate?(targets: TruncateTargets): Promise<void>;
}

/** `http.cors` of the project file. */
export interface CorsSettings {
  /** @default ["*"] */
  allowOrigins?: string[];
  /** A regular expression; an origin that matches it as a whole is allowed too. */
  allowOriginRegex?: string;
  allowMethods?: string[];
  /** @default whatever the browser asks for */
  allowHeaders?: string[];
  allowCredentials?: boolean;
  /** Added to the headers that clients of the API need. */
  exposeHeaders?: string[];
  maxAgeSeconds?: number;
}

/** Routes and middleware of the project's own: `http.app`. */
export interface CustomRoutes {
  app: Hono;
  /** Whether they ask who is there (`http.enable_custom_route_auth`). */
  isGuarded: boolean;
  /** Whether that is asked before any middleware of the project's (`http.middleware_order: auth_first`). */
  isAuthFirst: boolean;
}

export interface HttpSettings {
  /** Largest request body. */
  requestBodyBytesMax: number;
  /** Bytes a stream may have waiting for a slow reader, its largest single write not counted, before it is cut off. */
  streamBufferBytesMax: number;
  cors?: CorsSettings;
  /** Of threads that are created without one. @default none */
  defaultThreadTtl?: NonNullable<NewThread["ttl"]>;
  /** @default 5_000, which clients measure and rely on */
  heartbeatIntervalMs?: number;
  /** Between the newlines that keep a wait alive. @default 1_000 */
  keepAliveIntervalMs?: number;
  /** Request headers that become `configurable` of runs. @default none */
  configurableHeaders?: HeaderChooser;
  /** Request headers that are logged with a request. @default none */
  loggingHeaders?: HeaderChooser;
  /** Operations that do not exist here. @default none */
  disabledGroups?: ReadonlySet<OperationGroup>;
  /** The API answers below this path, too; begins with `/` and does not end so. */
  mountPrefix?: string;
  customRoutes?: CustomRoutes;
}

/** Makes the request's connection a WebSocket and hands it over once it is open. */
export type TakeSocket = (open: (socket: WebSocket) => void) => void;

/** Hono's environment: Node's request and response where served by Node, and what the middleware found out. */
export interface HttpEnv {
  /** `takeSocket` is there where the request asks for a WebSocket. */
  Bindings: Partial<HttpBindings> & { takeSocket?: TakeSocket };
  Variables: {
    requestId: string;
    /** Template of the path that answers. */
    route: string;
    isLongLived: boolean;
    /** Who is asking, where that was asked before the operation. */
    principal?: Principal;
    /** The same for the project's own routes. */
    auth?: { user: JsonObject; scopes: string[] };
  };
}

export type HttpContext = Context<HttpEnv>;
