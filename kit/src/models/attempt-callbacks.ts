// Lets those who account for calls see each attempt of a resilient answer, and nobody else.
import { CallbackManager, type CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";

/** Tells them that the answer as a whole is no call of a model by itself. */
export const WRAPPER_METADATA = { holdfast_wrapper: true };

/**
 * Callbacks for one attempt: those handlers of the answer that have `wantsAttempts`, such as a server's ledger. Others would see the
 * same tokens twice.
 * @param attempt number of the attempt, from 1
 */
export function attemptCallbacks(
  runManager: CallbackManagerForLLMRun | undefined,
  attempt: number,
): CallbackManager | undefined {
  const handlers = runManager?.handlers.filter(
    (handler) => "wantsAttempts" in handler && handler.wantsAttempts === true,
  );
  if (runManager === undefined || handlers === undefined || handlers.length === 0) return undefined;
  const manager = new CallbackManager(runManager.runId, { handlers, metadata: {}, tags: [] });
  manager.addMetadata({ ...metadataOf(runManager), holdfast_wrapper: false, holdfast_call_attempt: attempt });
  return manager;
}

/** Where the call was made; what it says of the model is the wrapper's own guess. */
function metadataOf(runManager: CallbackManagerForLLMRun): Record<string, unknown> {
  const { metadata } = runManager as unknown as { metadata: Record<string, unknown> | undefined };
  return Object.fromEntries(Object.entries(metadata ?? {}).filter(([key]) => !key.startsWith("ls_")));
}
