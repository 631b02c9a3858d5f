// Every environment variable that Holdfast reads: name, meaning, default, limits. `.env.example` and docs/configuration.md follow this table.
import {
  encryptionKeys,
  flag,
  graphDefaults,
  integer,
  oneOf,
  optionalInteger,
  optionalText,
  optionalUrl,
  text,
} from "./env-variable.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MEBIBYTE = 1_024 * 1_024;

/** The variables in the groups they are documented in. */
export const ENV_GROUPS = {
  Server: {
    PORT: integer("TCP port of the HTTP API; 0 picks a free one.", { default: 8123, min: 0, max: 65_535 }),
    HOST: text(
      "Address to listen on; 0.0.0.0 accepts connections from other machines.",
      "127.0.0.1",
      "an address or host name of this machine",
    ),
    HOLDFAST_REQUEST_BODY_BYTES_MAX: integer("Largest request body in bytes; a larger one is answered 413.", {
      default: 25 * MEBIBYTE,
      min: 1_024,
      max: 1_024 * MEBIBYTE,
    }),
    HOLDFAST_STREAM_BUFFER_BYTES_MAX: integer(
      "Bytes a slow reader of a stream may be behind before it is cut off (it can resume).",
      { default: 4 * MEBIBYTE, min: 65_536, max: 1_024 * MEBIBYTE },
    ),
    HOLDFAST_STREAM_HEARTBEAT_INTERVAL_MS: integer("Pause between the comments that keep an idle stream open.", {
      default: 5 * SECOND_MS,
      min: 100,
      max: 10 * MINUTE_MS,
    }),
    HOLDFAST_DRAIN_GRACE_MS: integer(
      "How long a stopping process waits for its runs before it hands them back to the queue.",
      { default: 30 * SECOND_MS, min: 0, max: HOUR_MS },
    ),
    HOLDFAST_ALLOW_TRUNCATE: flag(
      "Offers POST /internal/truncate, which deletes everything; only ever in `holdfast dev`.",
      false,
    ),
  },
  Project: {
    HOLDFAST_CONFIG: optionalText("Path of the project file.", {
      allowed: "a path to a JSON file",
      defaultText: "langgraph.json in the working directory, else the built-in agents",
    }),
    LANGGRAPH_CONFIG: graphDefaults(
      "Configuration and context that the assistants of the graphs are made with at the first start.",
    ),
    HOLDFAST_SCHEMA_TIMEOUT_MS: integer(
      "How long reading the JSON schemas off one graph's TypeScript types may take, in a process of its own; 0 switches it off.",
      { default: MINUTE_MS, min: 0, max: HOUR_MS },
    ),
  },
  Auth: {
    HOLDFAST_API_KEYS: flag("Asks every request for an API key; `holdfast keys create` makes one.", false),
    HOLDFAST_JWT_JWKS_URL: optionalUrl(
      "Where the public keys are that JSON Web Tokens are verified with; setting it makes the server ask for a token.",
      ["https", "http", "file"],
      { isSecret: false, defaultText: "no tokens are accepted" },
    ),
    HOLDFAST_JWT_ISSUER: optionalText("Issuer (iss) that tokens must name.", { defaultText: "any" }),
    HOLDFAST_JWT_AUDIENCE: optionalText(
      "Audience (aud) that tokens must name; set it, or tokens for other services fit too.",
      {
        defaultText: "any",
      },
    ),
    HOLDFAST_JWT_OWNER_CLAIM: optionalText("Claim that says whose things the caller makes and sees, such as org_id.", {
      allowed: "the name of a claim",
      defaultText: "sub",
    }),
    HOLDFAST_STUDIO_AUTH: flag(
      "Believes Studio's header also where other machines reach the server; needs auth.disable_studio_auth: false. Anybody can send it.",
      false,
    ),
    HOLDFAST_ALLOW_OPEN: flag(
      "Lets the API listen for other machines without authentication, for where something in front of it asks who is there.",
      false,
    ),
  },
  Database: {
    DATABASE_URL: optionalUrl(
      "PostgreSQL (14 or newer) to use instead of the embedded server.",
      ["postgres", "postgresql"],
      { defaultText: "an embedded PostgreSQL in HOLDFAST_DATA_DIR" },
    ),
    HOLDFAST_DIRECT_DATABASE_URL: optionalUrl(
      "The database of DATABASE_URL past its pooler; one connection per process listens there for notices, and migrations use it.",
      ["postgres", "postgresql"],
      { defaultText: "DATABASE_URL" },
    ),
    HOLDFAST_DATA_DIR: text("Folder for the embedded database.", ".holdfast", "a path to a folder that may be created"),
    HOLDFAST_DATABASE_POOL_MAX: integer("Pooled connections per process at most.", { default: 8, min: 2, max: 1_000 }),
    HOLDFAST_STATEMENT_TIMEOUT_MS: integer("A statement running longer is cancelled by the database; 0 for no limit.", {
      default: MINUTE_MS,
      min: 0,
      max: HOUR_MS,
    }),
    HOLDFAST_PREPARED_STATEMENTS: flag(
      "Prepares statements by name; switch off behind a pooler that cannot keep them (pgbouncer before 1.21 in transaction mode).",
      true,
    ),
    HOLDFAST_ENCRYPTION_KEYS: encryptionKeys(
      "Keys that conversations are encrypted with at rest: the first encrypts, all decrypt; without any, nothing is encrypted.",
    ),
    REDIS_URL: optionalUrl("Redis or Valkey that carries stream events between processes.", ["redis", "rediss"], {
      defaultText: "PostgreSQL carries them",
    }),
  },
  Runs: {
    HOLDFAST_WORKERS: optionalInteger("Worker processes that `holdfast start` keeps.", {
      defaultText: "1 on up to 2 cores, else one less than the cores",
      min: 0,
      max: 256,
    }),
    HOLDFAST_SLOTS: integer("Runs at once per worker.", { default: 10, min: 1, max: 10_000 }),
    HOLDFAST_LEASE_DURATION_MS: integer("How long a worker may be silent before its run is given to another.", {
      default: 10 * SECOND_MS,
      min: 500,
      max: HOUR_MS,
    }),
    HOLDFAST_HEARTBEAT_INTERVAL_MS: integer(
      "How often a worker extends its leases; at most half of HOLDFAST_LEASE_DURATION_MS.",
      { default: 2_500, min: 50, max: 30 * MINUTE_MS },
    ),
    HOLDFAST_POLL_INTERVAL_MS: integer("How often a worker looks for runs without being told of one.", {
      default: 2 * SECOND_MS,
      min: 50,
      max: 10 * MINUTE_MS,
    }),
    HOLDFAST_ATTEMPT_MAX: integer("Claims of one run before it is given up as failed.", {
      default: 3,
      min: 1,
      max: 100,
    }),
    HOLDFAST_RUN_TIMEOUT_MS: integer("Longest time one attempt of a run may take; 0 for no limit.", {
      default: DAY_MS,
      min: 0,
      max: 30 * DAY_MS,
    }),
    HOLDFAST_NODE_TIMEOUT_MS: integer(
      "Longest time one attempt of a node may take, where the graph sets no limit for it; 0 for no limit.",
      { default: 0, min: 0, max: 30 * DAY_MS },
    ),
    HOLDFAST_IDLE_TIMEOUT_MS: integer("Longest time a run may go without a stream event; 0 for no limit.", {
      default: 0,
      min: 0,
      max: 30 * DAY_MS,
    }),
    HOLDFAST_QUEUE_DEPTH_MAX: integer("Waiting runs at most; further ones are answered 503.", {
      default: 100_000,
      min: 1,
      max: 100_000_000,
    }),
    HOLDFAST_IDEMPOTENCY_RETENTION_MS: integer(
      "How long a request repeated with the same Idempotency-Key gets its first answer again.",
      { default: DAY_MS, min: SECOND_MS, max: 365 * DAY_MS },
    ),
    HOLDFAST_EVENT_RETENTION_MS: integer("How long the stream events of an ended run can be read again.", {
      default: 7 * DAY_MS,
      min: MINUTE_MS,
      max: 3_650 * DAY_MS,
    }),
  },
  Log: {
    LOG_LEVEL: oneOf(
      "Least important lines that are logged.",
      ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
      "info",
    ),
    HOLDFAST_LOG_FORMAT: oneOf(
      "Lines as text or JSON; auto is text on a terminal and JSON elsewhere.",
      ["auto", "text", "json"],
      "auto",
    ),
  },
  Models: {
    MODEL: optionalText("Model of the built-in agents: openai:NAME, anthropic:NAME, ollama:NAME or demo.", {
      allowed: "PROVIDER:NAME or demo",
      defaultText: "the offline demo model",
    }),
    OPENAI_API_KEY: optionalText("Key for OpenAI, or for a server that speaks its API.", { isSecret: true }),
    OPENAI_BASE_URL: optionalUrl(
      "Address of a server that speaks the OpenAI API, up to and including /v1.",
      ["http", "https"],
      { isSecret: false, defaultText: "OpenAI" },
    ),
    ANTHROPIC_API_KEY: optionalText("Key for Anthropic.", { isSecret: true }),
    ANTHROPIC_BASE_URL: optionalUrl(
      "Address of a server that speaks the Anthropic API, without /v1.",
      ["http", "https"],
      { isSecret: false, defaultText: "Anthropic" },
    ),
    OLLAMA_HOST: optionalText("Address of an Ollama server; scheme and port may be left out.", {
      allowed: "HOST, HOST:PORT or a URL",
      defaultText: "127.0.0.1:11434",
    }),
    HOLDFAST_DEMO_DELAY_MS: integer("Pause of the demo model before each token.", {
      default: 0,
      min: 0,
      max: MINUTE_MS,
    }),
  },
} as const;

/** The same variables in one record. */
export const ENV_VARIABLES = {
  ...ENV_GROUPS.Server,
  ...ENV_GROUPS.Project,
  ...ENV_GROUPS.Auth,
  ...ENV_GROUPS.Database,
  ...ENV_GROUPS.Runs,
  ...ENV_GROUPS.Log,
  ...ENV_GROUPS.Models,
} as const;

/** Name of a variable in the table. */
export type EnvName = keyof typeof ENV_VARIABLES;
