// Translates what a run was asked to do into what LangGraph takes: an input or a Command.
import { Command, Send } from "@langchain/langgraph";
import type { GotoTarget, RunCommand } from "../domain/run.ts";

function toGoto(target: GotoTarget): string | Send {
  return typeof target === "string" ? target : new Send(target.node, target.input);
}

/** LangGraph's Command for `command`. */
export function toGraphCommand(command: RunCommand): Command {
  const { goto, update, resume } = command;
  return new Command({
    ...(goto === undefined || goto === null ? {} : { goto: (Array.isArray(goto) ? goto : [goto]).map(toGoto) }),
    ...(update === undefined || update === null ? {} : { update }),
    ...(resume === undefined ? {} : { resume }),
  });
}

/** What the graph is invoked with on a run's first attempt; `null` continues from the thread's checkpoint. */
export function toGraphInput(kwargs: { input?: unknown; command?: RunCommand }): unknown {
  if (kwargs.command !== undefined && kwargs.command !== null) return toGraphCommand(kwargs.command);
  return kwargs.input ?? null;
}
