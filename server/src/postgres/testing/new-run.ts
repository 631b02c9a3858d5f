// A run to be admitted, for tests that only care about some of its fields.
import { mintId } from "../../domain/ids.ts";
import type { NewRun, RunKwargs } from "../../domain/run.ts";

/** A run of graph `g` on a thread of its own; `fields` win, `kwargs` are laid over the usual ones. */
export function newRun({
  kwargs,
  ...fields
}: Partial<Omit<NewRun, "kwargs">> & { kwargs?: Partial<RunKwargs> } = {}): NewRun {
  return {
    runId: mintId(),
    threadId: mintId(),
    assistantId: mintId(),
    metadata: {},
    assistantMetadata: {},
    kwargs: {
      graphId: "g",
      config: {},
      streamMode: ["values"],
      streamSubgraphs: false,
      streamResumable: false,
      durability: "async",
      isFollowed: false,
      isTemporary: false,
      isCheckpointed: true,
      ...kwargs,
    },
    assistantConfigurable: {},
    forcedConfigurable: {},
    stickyConfig: {},
    multitaskStrategy: "enqueue",
    ifThreadMissing: "create",
    delayMs: 0,
    priority: 0,
    ...fields,
  };
}
