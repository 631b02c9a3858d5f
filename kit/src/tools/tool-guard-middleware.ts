// Limits for all tools of an agent made with createAgent.

import { AIMessage } from "@langchain/core/messages";
import { isLangChainTool, type StructuredToolInterface } from "@langchain/core/tools";
import { createMiddleware } from "langchain";
import { GuardedTool, guardTool } from "./guard-tool.ts";
import { askWithReadableCalls } from "./readable-calls.ts";
import type { ToolLimits } from "./tool-limits.ts";
import { mustAnswerNow, type TurnLimits, withoutToolCalls } from "./turn-limits.ts";

/** Limits for all tools, and others for some. */
export interface ToolGuardOptions extends ToolLimits {
  /** Limits by the tool's name; what they leave out comes from the limits for all. */
  byTool?: Record<string, ToolLimits>;
  /** How often calls whose arguments are not JSON are given back before they are dropped. @default 2 */
  correctionsMax?: number;
  /** Bounds of a whole turn, after which the model answers without tools. */
  turn?: TurnLimits;
}

/**
 * Runs every tool of the agent under limits, as {@link guardTool} does for one; tools that are guarded already keep their own. A turn that
 * used up its bounds ends with an answer: the model is asked for one without tools, and calls it makes nevertheless are dropped.
 */
export function toolGuardMiddleware(options: ToolGuardOptions = {}) {
  const { byTool = {}, turn = {}, correctionsMax, ...limits } = options;
  const turnLimits = {
    ...(limits.failuresPerTurnMax !== undefined && { failuresMax: limits.failuresPerTurnMax + 1 }),
    ...turn,
  };
  const guardedTools = new WeakMap<object, GuardedTool>();
  const guarded = (tool: StructuredToolInterface): GuardedTool => {
    if (tool instanceof GuardedTool) return tool;
    const known = guardedTools.get(tool) ?? guardTool(tool, { ...limits, ...byTool[tool.name] });
    guardedTools.set(tool, known);
    return known;
  };
  return createMiddleware({
    name: "ToolGuard",
    wrapModelCall: async (request, handler) => {
      const isLast = mustAnswerNow(request.messages, turnLimits);
      const answer = await askWithReadableCalls(
        (messages) => handler({ ...request, messages, ...(isLast && { toolChoice: "none" as const }) }),
        request.messages,
        correctionsMax,
      );
      return isLast && AIMessage.isInstance(answer) ? withoutToolCalls(answer, turn) : answer;
    },
    wrapToolCall: (request, handler) => {
      const { tool } = request;
      return handler(
        isLangChainTool(tool) && "schema" in tool
          ? { ...request, tool: guarded(tool as StructuredToolInterface) }
          : request,
      );
    },
  });
}
