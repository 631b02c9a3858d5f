// Translates what a run was asked to do into what LangGraph takes: an input or a Command.
import { Command, type Send } from "@langchain/langgraph";
import type { RunCommand } from "../domain/run.ts";
import type { GraphLibrary } from "./graph-library.ts";

/**
 * LangGraph's Command for `command`.
 * @param library of the graph that gets it: a Command is recognised by any copy of LangGraph, a Send only by its own
 */
export function toGraphCommand(command: RunCommand, library: GraphLibrary): Command {
  const { goto, update, resume } = command;
  const targets = (Array.isArray(goto) ? goto : [goto]).flatMap((target) => {
    if (target === undefined || target === null) return [];
    return [typeof target === "string" ? target : (new library.Send(target.node, target.input) as Send)];
  });
  return new Command({
    ...(targets.length === 0 ? {} : { goto: targets }),
    ...(update === undefined || update === null ? {} : { update }),
    ...(resume === undefined ? {} : { resume }),
  });
}

/** What the graph is invoked with on a run's first attempt; `null` continues from the thread's checkpoint. */
export function toGraphInput(kwargs: { input?: unknown; command?: RunCommand }, library: GraphLibrary): unknown {
  if (kwargs.command !== undefined && kwargs.command !== null) return toGraphCommand(kwargs.command, library);
  return kwargs.input ?? null;
}
