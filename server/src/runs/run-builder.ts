// From a request to a run: lays the request over its assistant and separates what stays on the thread from what does not.
import { type Assistant, CONCURRENCY_MAX_KEY, type GraphConfig, isConcurrencyLimited } from "../domain/assistant.ts";
import { type JsonObject, omitUndefined } from "../domain/json.ts";
import type { NewRun } from "../domain/run.ts";
import type { EngineLimits } from "./limits.ts";
import type { RunRequest } from "./run-request.ts";

const MINUTE_MS = 60_000;

/** Configurable keys that belong to one run: kept on the thread they would poison later ones. */
const NEVER_STICKY = /^(__|langgraph_auth_|checkpoint_|run_id$|thread_id$|thread_ts$)/;

export function buildRun(
  request: RunRequest,
  assistant: Assistant,
  ids: { runId: string; threadId: string },
  limits: Pick<EngineLimits, "idempotencyRetentionMs" | "defaultThreadTtl">,
): NewRun {
  const isStateless = request.threadId === undefined;
  const isTemporary = isStateless && (request.onCompletion ?? "delete") === "delete";
  const config: GraphConfig = omitUndefined({
    tags: request.config?.tags ?? assistant.config.tags,
    recursionLimit: request.config?.recursionLimit ?? assistant.config.recursionLimit,
    configurable: request.config?.configurable ?? {},
  });
  return omitUndefined<NewRun>({
    runId: ids.runId,
    threadId: ids.threadId,
    assistantId: assistant.assistantId,
    metadata: request.metadata ?? {},
    assistantMetadata: runMetadataOf(assistant.metadata),
    kwargs: omitUndefined({
      graphId: assistant.graphId,
      input: request.command === undefined ? request.input : undefined,
      command: request.command,
      config,
      context: { ...assistant.context, ...request.context },
      checkpoint: request.checkpoint,
      streamMode: request.streamMode ?? ["values"],
      streamSubgraphs: request.streamSubgraphs ?? false,
      streamResumable: request.streamResumable ?? false,
      interruptBefore: request.interruptBefore,
      interruptAfter: request.interruptAfter,
      durability: request.durability ?? "async",
      feedbackKeys: request.feedbackKeys,
      webhook: request.webhook,
      strictResume: request.strictResume,
      isProtocol: request.isProtocol,
      isFollowed: request.isFollowed ?? false,
      isTemporary,
      isLimited: isConcurrencyLimited(assistant) || undefined,
      isCheckpointed: !isTemporary,
    }),
    assistantConfigurable: assistant.config.configurable ?? {},
    forcedConfigurable: {
      ...request.trustedConfigurable,
      run_id: ids.runId,
      thread_id: ids.threadId,
      graph_id: assistant.graphId,
      assistant_id: assistant.assistantId,
    },
    stickyConfig: stickyConfigOf(request.config),
    multitaskStrategy: request.multitaskStrategy ?? "enqueue",
    ifThreadMissing: isStateless ? "create" : (request.ifNotExists ?? "reject"),
    delayMs: Math.round((request.afterSeconds ?? 0) * 1000),
    priority: request.priority ?? 0,
    threadTtl: isTemporary ? keptFor(request, limits.idempotencyRetentionMs) : limits.defaultThreadTtl,
  });
}

/** The first answer to an idempotency key may be asked for again: what it tells of must outlive the run. */
function keptFor({ ids }: RunRequest, retentionMs: number): NewRun["threadTtl"] {
  return ids === undefined ? undefined : { strategy: "delete", ttlMinutes: retentionMs / MINUTE_MS };
}

/** What of an assistant's metadata its runs carry; who made it and how many of its runs may run says something of itself alone. */
function runMetadataOf({ created_by: _, [CONCURRENCY_MAX_KEY]: __, ...metadata }: JsonObject): JsonObject {
  return metadata;
}

function stickyConfigOf(config: GraphConfig | undefined): GraphConfig {
  if (config === undefined) return {};
  const sticky = Object.entries(config.configurable ?? {}).filter(([key]) => !NEVER_STICKY.test(key));
  return { ...config, configurable: Object.fromEntries(sticky) };
}
