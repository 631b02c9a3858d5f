// The shape of a LangGraph project file (langgraph.json), key by key.
import { z } from "zod";
import { BUDGET_PERIODS, BUDGET_SCOPES } from "../domain/usage.ts";

const path = z.string().min(1);
const minutes = z.number().positive();
const env = z.union([
  path,
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  z.array(z.string().min(1)),
]);

const graph = z.union([path, z.looseObject({ path, description: z.string().optional() })]);

const cors = z.looseObject({
  allow_origins: z.array(z.string()).optional(),
  allow_origin_regex: z.string().optional(),
  allow_methods: z.array(z.string()).optional(),
  allow_headers: z.array(z.string()).optional(),
  allow_credentials: z.boolean().optional(),
  expose_headers: z.array(z.string()).optional(),
  max_age: z.number().int().min(0).optional(),
});

const headerChoice = z.looseObject({
  includes: z.array(z.string()).optional(),
  excludes: z.array(z.string()).optional(),
  include: z.array(z.string()).optional(),
  exclude: z.array(z.string()).optional(),
});

const http = z.looseObject({
  app: path.optional(),
  disable_assistants: z.boolean().optional(),
  disable_threads: z.boolean().optional(),
  disable_runs: z.boolean().optional(),
  disable_store: z.boolean().optional(),
  disable_meta: z.boolean().optional(),
  disable_mcp: z.boolean().optional(),
  disable_a2a: z.boolean().optional(),
  disable_ui: z.boolean().optional(),
  disable_webhooks: z.boolean().optional(),
  cors: cors.optional(),
  configurable_headers: headerChoice.optional(),
  logging_headers: headerChoice.optional(),
  middleware_order: z.enum(["middleware_first", "auth_first"]).optional(),
  enable_custom_route_auth: z.boolean().optional(),
  mount_prefix: z.string().startsWith("/").optional(),
});

const auth = z.looseObject({
  path: path.optional(),
  disable_studio_auth: z.boolean().optional(),
  openapi: z.record(z.string(), z.unknown()).optional(),
  cache: z
    .looseObject({ cache_keys: z.array(z.string()).optional(), ttl_seconds: z.number().min(0).optional() })
    .optional(),
});

const store = z.looseObject({
  path: path.optional(),
  index: z
    .looseObject({
      dims: z.number().int().positive(),
      embed: path,
      fields: z.array(z.string()).optional(),
      distance_type: z.enum(["cosine", "l2", "inner_product"]).optional(),
      ann_index_config: z
        .looseObject({
          kind: z.enum(["hnsw", "flat"]).optional(),
          m: z.number().int().min(2).max(100).optional(),
          ef_construction: z.number().int().min(4).max(1000).optional(),
        })
        .optional(),
    })
    .optional(),
  ttl: z
    .looseObject({
      refresh_on_read: z.boolean().optional(),
      default_ttl: minutes.nullish(),
      sweep_interval_minutes: minutes.nullish(),
    })
    .optional(),
});

const checkpointer = z.looseObject({
  path: path.optional(),
  backend: z.string().optional(),
  serde: z.unknown().optional(),
  ttl: z
    .looseObject({
      strategy: z.enum(["delete", "keep_latest"]).optional(),
      default_ttl: minutes.nullish(),
      sweep_interval_minutes: minutes.nullish(),
      sweep_limit: z.number().int().positive().optional(),
    })
    .optional(),
});

const webhooks = z.looseObject({
  env_prefix: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  url: z
    .looseObject({
      allowed_domains: z.array(z.string()).optional(),
      allowed_ports: z.array(z.number().int().min(1).max(65_535)).optional(),
      require_https: z.boolean().optional(),
      disable_loopback: z.boolean().optional(),
      max_url_length: z.number().int().positive().optional(),
    })
    .optional(),
});

const price = z.strictObject({
  input: z.number().min(0),
  cached_input: z.number().min(0).optional(),
  cache_write: z.number().min(0).optional(),
  output: z.number().min(0),
});

const budgetLimit = { tokens: z.int().min(0).optional(), usd: z.number().min(0).optional() };
const HAS_LIMIT = { message: 'must have "tokens", "usd" or both' };
const hasLimit = (limit: { tokens?: number | undefined; usd?: number | undefined }) =>
  limit.tokens !== undefined || limit.usd !== undefined;

/** Strict, unlike the rest: a misspelt limit must not be taken for none. */
const budget = z
  .strictObject({
    per: z.enum(BUDGET_SCOPES),
    id: z.string().min(1).optional(),
    period: z.enum(BUDGET_PERIODS).optional(),
    ...budgetLimit,
    warn_at: z.number().min(0).max(1).optional(),
    cheaper: z
      .strictObject({ model: z.string().min(1), ...budgetLimit })
      .refine(hasLimit, HAS_LIMIT)
      .optional(),
  })
  .refine(hasLimit, HAS_LIMIT);

const usage = z.strictObject({
  tenant_field: z.string().min(1).optional(),
  prices: z.record(z.string().min(1), price).optional(),
  unknown_price: z.enum(["refuse", "allow"]).optional(),
  output_tokens_reserved: z.int().min(0).optional(),
  budgets: z.array(budget).max(100).optional(),
  retention_days: z.int().min(1).optional(),
});

/** Everything that Holdfast knows in a project file. Objects are loose: what is not listed is reported by name, not refused. */
export const projectFileSchema = z.looseObject({
  $schema: z.string().optional(),
  graphs: z.record(z.string().min(1), graph).refine((graphs) => Object.keys(graphs).length > 0, {
    message: "must name at least one graph",
  }),
  env: env.optional(),
  node_version: z.union([z.string(), z.number()]).optional(),
  dependencies: z.array(z.string()).optional(),
  http: http.optional(),
  auth: auth.optional(),
  store: store.optional(),
  checkpointer: checkpointer.optional(),
  webhooks: webhooks.optional(),
  usage: usage.optional(),
  ui: z.record(z.string(), path).optional(),
  ui_config: z.looseObject({ shared: z.array(z.string()).optional() }).optional(),
  encryption: z.looseObject({ path: path.optional() }).optional(),
});

/** The checked content of a project file. */
export type ProjectFileContent = z.output<typeof projectFileSchema>;

/** Keys that exist for building container images elsewhere and mean nothing to a server: accepted in silence. */
export const IMAGE_KEYS: ReadonlySet<string> = new Set([
  "$schema",
  "api_version",
  "base_image",
  "docker_compose_file",
  "dockerfile_lines",
  "image_distro",
  "keep_pkg_tools",
  "pip_config_file",
  "pip_installer",
  "python_version",
]);
