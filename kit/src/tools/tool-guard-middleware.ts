// Limits for all tools of an agent made with createAgent.
import { isLangChainTool, type StructuredToolInterface } from "@langchain/core/tools";
import { createMiddleware } from "langchain";
import { GuardedTool, guardTool } from "./guard-tool.ts";
import type { ToolLimits } from "./tool-limits.ts";

/** Limits for all tools, and others for some. */
export interface ToolGuardOptions extends ToolLimits {
  /** Limits by the tool's name; what they leave out comes from the limits for all. */
  byTool?: Record<string, ToolLimits>;
}

/** Runs every tool of the agent under limits, as {@link guardTool} does for one. Tools that are guarded already keep their own. */
export function toolGuardMiddleware(options: ToolGuardOptions = {}) {
  const { byTool = {}, ...limits } = options;
  const guardedTools = new WeakMap<object, GuardedTool>();
  const guarded = (tool: StructuredToolInterface): GuardedTool => {
    if (tool instanceof GuardedTool) return tool;
    const known = guardedTools.get(tool) ?? guardTool(tool, { ...limits, ...byTool[tool.name] });
    guardedTools.set(tool, known);
    return known;
  };
  return createMiddleware({
    name: "ToolGuard",
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
