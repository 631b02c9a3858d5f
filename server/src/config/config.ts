// The configuration of one process: environment, flags and project file, parsed once into frozen groups.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { ConfigurationError } from "../domain/errors.ts";
import { type AuthConfig, buildAuthConfig } from "./auth-config.ts";
import { copyEnv, type Env, type EnvText, fillEnv, overrideEnv, parseEnv, readEnvFile, readEnvText } from "./env.ts";
import type { GraphDefaults } from "./env-variable.ts";
import { findProjectFile, type Project, readProjectFile } from "./project-file.ts";
import type { Secrets } from "./secrets.ts";

/** Everything a process is told from outside. Deeply frozen. */
export interface Config {
  /** Whether this is `holdfast dev`: one process, for one person, on one machine. */
  readonly isDev: boolean;
  readonly http: HttpConfig;
  readonly auth: AuthConfig;
  readonly database: DatabaseConfig;
  readonly workers: WorkersConfig;
  readonly limits: LimitsConfig;
  readonly log: LogConfig;
  readonly models: ModelsConfig;
  readonly project: Project;
  /** What the graphs' own assistants are made with, by graph. */
  readonly graphDefaults: Readonly<Record<string, GraphDefaults>>;
  readonly secrets: Secrets;
}

/** Where the API listens and how it treats streams. */
interface HttpConfig {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  /** Pause between the comments of an idle stream. */
  readonly heartbeatIntervalMs: number;
  /** Whether `POST /internal/truncate` exists: asked for, and in `dev`. */
  readonly isTruncateAllowed: boolean;
}

/** Which database, and how it is used; its URL is in `secrets`. */
interface DatabaseConfig {
  readonly isEmbedded: boolean;
  /** Absolute path of Holdfast's data folder. */
  readonly dataDir: string;
  /** Connections of one process at most. */
  readonly poolMax: number;
  /** 0 means no limit. */
  readonly statementTimeoutMs: number;
  readonly preparedStatements: boolean;
}

/** How runs are claimed, kept and given back. */
interface WorkersConfig {
  /** Worker processes of `holdfast start`. */
  readonly processCount: number;
  /** Runs at once per worker process. */
  readonly slots: number;
  readonly leaseDurationMs: number;
  readonly heartbeatIntervalMs: number;
  readonly pollIntervalMs: number;
  /** Claims of one run at most. */
  readonly attemptMax: number;
  /** Longest time of one attempt; 0 means no limit. */
  readonly runTimeoutMs: number;
  /** Longest time of one attempt of a node that sets no limit itself; 0 means no limit. */
  readonly nodeTimeoutMs: number;
  /** Longest time without a stream event; 0 means no limit. */
  readonly idleTimeoutMs: number;
  /** How long a stopping worker waits for its runs. */
  readonly drainGraceMs: number;
}

/** Upper bounds. */
interface LimitsConfig {
  readonly requestBodyBytesMax: number;
  readonly streamBufferBytesMax: number;
  readonly queueDepthMax: number;
  readonly eventRetentionMs: number;
  /** How long first answers are kept by idempotency key. */
  readonly idempotencyRetentionMs: number;
  /** Longest time of reading one graph's types; 0 for not at all. */
  readonly schemaTimeoutMs: number;
}

/** What is logged, and how. */
interface LogConfig {
  readonly level: Env["LOG_LEVEL"];
  readonly format: Env["HOLDFAST_LOG_FORMAT"];
}

/** The model of the built-in agents, as far as the environment says; for the banner and `holdfast doctor`. */
interface ModelsConfig {
  /** `MODEL` as given, or `demo`. */
  readonly model: string;
  /** Why this one, and how to choose another. */
  readonly reason: string;
  readonly openaiBaseUrl: string | undefined;
  readonly anthropicBaseUrl: string | undefined;
  readonly ollamaHost: string | undefined;
}

/** Where configuration comes from besides the environment. */
export interface LoadConfigOptions {
  /** @default the working directory */
  readonly cwd?: string;
  /** Values of command-line flags by the variable they stand for; they win over the environment. */
  readonly flags?: EnvText;
  /** Flag names by variable, for messages. */
  readonly flagNames?: Partial<Record<string, string>>;
  /** @default false */
  readonly isDev?: boolean;
}

/**
 * Reads everything. Flags win over the environment, that over the project file's `env`, that over a `.env` in the working directory.
 * What the files add is also put into the process environment, where graphs and model providers look.
 * @throws ConfigurationError when anything is wrong.
 */
export async function loadConfig(options: LoadConfigOptions = {}): Promise<Config> {
  const cwd = options.cwd ?? process.cwd();
  overrideEnv(options.flags ?? {});
  const envFile = (await readEnvFile(resolve(cwd, ".env"))) ?? {};
  const { file, isBuiltIn } = findProjectFile(cwd, readEnvText("HOLDFAST_CONFIG") ?? envFile.HOLDFAST_CONFIG);
  const project = await readProjectFile(file, isBuiltIn);
  fillEnv({ ...envFile, ...project.env });
  return buildConfig(parseEnv(copyEnv(), options.flagNames), project, { cwd, isDev: options.isDev ?? false });
}

/** Sorts parsed values into groups. Pure, so that tests can make any configuration. */
export function buildConfig(env: Env, project: Project, place: { cwd: string; isDev: boolean }): Config {
  checkTogether(env);
  return deepFreeze({
    isDev: place.isDev,
    http: {
      host: env.HOST,
      port: env.PORT,
      heartbeatIntervalMs: env.HOLDFAST_STREAM_HEARTBEAT_INTERVAL_MS,
      isTruncateAllowed: place.isDev && env.HOLDFAST_ALLOW_TRUNCATE,
    },
    auth: buildAuthConfig(env, project.file, project.content),
    database: {
      isEmbedded: env.DATABASE_URL === undefined,
      dataDir: resolve(place.cwd, env.HOLDFAST_DATA_DIR),
      poolMax: env.HOLDFAST_DATABASE_POOL_MAX,
      statementTimeoutMs: env.HOLDFAST_STATEMENT_TIMEOUT_MS,
      preparedStatements: env.HOLDFAST_PREPARED_STATEMENTS,
    },
    workers: {
      processCount: env.HOLDFAST_WORKERS ?? Math.max(1, availableParallelism() - 1),
      slots: env.HOLDFAST_SLOTS,
      leaseDurationMs: env.HOLDFAST_LEASE_DURATION_MS,
      heartbeatIntervalMs: env.HOLDFAST_HEARTBEAT_INTERVAL_MS,
      pollIntervalMs: env.HOLDFAST_POLL_INTERVAL_MS,
      attemptMax: env.HOLDFAST_ATTEMPT_MAX,
      runTimeoutMs: env.HOLDFAST_RUN_TIMEOUT_MS,
      nodeTimeoutMs: env.HOLDFAST_NODE_TIMEOUT_MS,
      idleTimeoutMs: env.HOLDFAST_IDLE_TIMEOUT_MS,
      drainGraceMs: env.HOLDFAST_DRAIN_GRACE_MS,
    },
    limits: {
      requestBodyBytesMax: env.HOLDFAST_REQUEST_BODY_BYTES_MAX,
      streamBufferBytesMax: env.HOLDFAST_STREAM_BUFFER_BYTES_MAX,
      queueDepthMax: env.HOLDFAST_QUEUE_DEPTH_MAX,
      eventRetentionMs: env.HOLDFAST_EVENT_RETENTION_MS,
      idempotencyRetentionMs: env.HOLDFAST_IDEMPOTENCY_RETENTION_MS,
      schemaTimeoutMs: env.HOLDFAST_SCHEMA_TIMEOUT_MS,
    },
    log: { level: env.LOG_LEVEL, format: env.HOLDFAST_LOG_FORMAT },
    models: {
      ...chooseModel(env),
      openaiBaseUrl: env.OPENAI_BASE_URL,
      anthropicBaseUrl: env.ANTHROPIC_BASE_URL,
      ollamaHost: env.OLLAMA_HOST,
    },
    project,
    graphDefaults: env.LANGGRAPH_CONFIG,
    secrets: {
      databaseUrl: env.DATABASE_URL,
      directDatabaseUrl: env.HOLDFAST_DIRECT_DATABASE_URL,
      redisUrl: env.REDIS_URL,
      encryptionKeys: env.HOLDFAST_ENCRYPTION_KEYS,
      openaiApiKey: env.OPENAI_API_KEY,
      anthropicApiKey: env.ANTHROPIC_API_KEY,
    },
  });
}

/** Rules between variables. */
function checkTogether(env: Env): void {
  if (env.HOLDFAST_HEARTBEAT_INTERVAL_MS * 2 > env.HOLDFAST_LEASE_DURATION_MS) {
    throw new ConfigurationError(
      `HOLDFAST_HEARTBEAT_INTERVAL_MS is ${env.HOLDFAST_HEARTBEAT_INTERVAL_MS}, but must be at most half of ` +
        `HOLDFAST_LEASE_DURATION_MS (${env.HOLDFAST_LEASE_DURATION_MS}), or one late heartbeat would lose the lease.`,
    );
  }
}

function chooseModel(env: Env): { model: string; reason: string } {
  if (env.MODEL !== undefined) {
    return { model: env.MODEL, reason: "MODEL says so" };
  }
  const provider =
    (env.OPENAI_API_KEY && "MODEL=openai:NAME") ||
    (env.ANTHROPIC_API_KEY && "MODEL=anthropic:NAME") ||
    (env.OLLAMA_HOST && "MODEL=ollama:NAME");
  const hint = provider
    ? `set ${provider} to use your provider`
    : "set MODEL=openai:NAME, anthropic:NAME or ollama:NAME for a real one";
  return { model: "demo", reason: `MODEL is not set; offline and free, ${hint}` };
}

function deepFreeze<T>(value: T): T {
  // Bytes cannot be frozen.
  if (typeof value === "object" && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
