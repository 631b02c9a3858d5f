// How long threads live when they do not say so themselves: `checkpointer.ttl` of the project file.
import type { ProjectFileContent } from "./project-file-schema.ts";

const MINUTE_MS = 60_000;
const SWEEP_INTERVAL_MINUTES = 5;
/** Threads of one sweep; LangGraph's default. */
const SWEEP_LIMIT = 10_000;

export interface ThreadRetention {
  /** Of threads that are created without one; unset for ever. */
  defaultTtl: { strategy: "delete" | "keep_latest"; ttlMinutes: number } | undefined;
  sweepIntervalMs: number;
  /** Threads removed in one sweep at most. */
  sweepCountMax: number;
}

/** @returns LangGraph's defaults for what the file does not say: no time to live, a sweep of 10,000 threads every 5 minutes */
export function readThreadRetention(content: ProjectFileContent): ThreadRetention {
  const ttl = content.checkpointer?.ttl;
  const minutes = ttl?.default_ttl ?? undefined;
  return {
    defaultTtl: minutes === undefined ? undefined : { strategy: ttl?.strategy ?? "delete", ttlMinutes: minutes },
    sweepIntervalMs: (ttl?.sweep_interval_minutes ?? SWEEP_INTERVAL_MINUTES) * MINUTE_MS,
    sweepCountMax: ttl?.sweep_limit ?? SWEEP_LIMIT,
  };
}
