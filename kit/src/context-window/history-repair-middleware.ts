// History repair for agents made with createAgent: every model call gets a history that its provider accepts.
import { createMiddleware } from "langchain";
import { type HistoryProblem, type HistoryRepairOptions, repairHistory } from "./history-repair.ts";

/** Settings of the middleware. */
export interface HistoryRepairMiddlewareOptions extends Pick<HistoryRepairOptions, "cancelledText"> {
  /** Told what was repaired, once per model call that needed it. */
  onRepair?: (problems: HistoryProblem[]) => void;
}

/**
 * Repairs what is sent to the model and leaves the thread's own messages as they are. Put it last, so that it sees what other
 * middleware made of the messages.
 */
export function historyRepairMiddleware(options: HistoryRepairMiddlewareOptions = {}) {
  return createMiddleware({
    name: "HistoryRepair",
    wrapModelCall: (request, handler) => {
      const { messages, problems } = repairHistory(request.messages, { ...options, firstMessage: "user" });
      if (problems.length > 0) options.onRepair?.(problems);
      return handler({ ...request, messages });
    },
  });
}
