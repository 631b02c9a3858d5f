// What is stored as a checkpoint's metadata: LangGraph's own fields, and in a run of the server also the run's.
import type { RunnableConfig } from "@langchain/core/runnables";
import { type CheckpointMetadata, EXCLUDED_METADATA_KEYS } from "@langchain/langgraph-checkpoint";
import type { Fence } from "../../domain/ports/run-queue.ts";

/** Keys of the configuration's metadata that never belong into storage: bookkeeping, tracing and who is asking. */
const PRIVATE_PREFIXES = ["__", "langgraph_", "ls_"];

/**
 * JSON of the metadata. With a fence, the metadata of the run's configuration is merged in (LangGraph's fields win),
 * because rollback, history filters and resumption look for `run_id` and the like.
 */
export function metadataText(metadata: CheckpointMetadata, config: RunnableConfig, fence: Fence | undefined): string {
  return storable(JSON.stringify(fence === undefined ? metadata : withRun(metadata, config, fence)));
}

function withRun(metadata: CheckpointMetadata, config: RunnableConfig, fence: Fence): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config.metadata ?? {})) {
    if (EXCLUDED_METADATA_KEYS.has(key) || PRIVATE_PREFIXES.some((prefix) => key.startsWith(prefix))) continue;
    merged[key] = value;
  }
  merged.thread_id = fence.threadId;
  if (fence.runId !== "") merged.run_id = fence.runId;
  return Object.assign(merged, metadata);
}

/** jsonb refuses the null character and lone surrogates, which JSON.stringify writes as escapes: they are left out. */
function storable(json: string): string {
  if (!json.includes("\\u0000") && !json.includes("\\ud")) return json;
  return json.replace(/\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === "\\\\" ? found : ""));
}
