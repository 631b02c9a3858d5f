// Stands in for the checkpoint tables where a test is about threads and runs: remembers what was asked of it.
import type { CheckpointTables, ThreadHead } from "../checkpoint-tables.ts";

export interface RecordingCheckpointTables extends CheckpointTables {
  readonly deletedThreads: string[];
  readonly deletedRuns: string[];
  readonly prunedThreads: string[];
  readonly copies: [from: string, to: string][];
  /** What `readThreadHead` answers, by thread. */
  readonly heads: Map<string, ThreadHead>;
}

export function recordingCheckpointTables(): RecordingCheckpointTables {
  const deletedThreads: string[] = [];
  const deletedRuns: string[] = [];
  const prunedThreads: string[] = [];
  const copies: [string, string][] = [];
  const heads = new Map<string, ThreadHead>();
  return {
    deletedThreads,
    deletedRuns,
    prunedThreads,
    copies,
    heads,
    copyThreadCheckpoints: async (_client, from, to) => void copies.push([from, to]),
    deleteThreadCheckpoints: async (_client, threadIds) => void deletedThreads.push(...threadIds),
    deleteRunCheckpoints: async (_client, _threadId, runId) => void deletedRuns.push(runId),
    pruneThreadCheckpoints: async (_client, threadId) => void prunedThreads.push(threadId),
    readThreadHead: async (_client, threadId) => heads.get(threadId),
  };
}
