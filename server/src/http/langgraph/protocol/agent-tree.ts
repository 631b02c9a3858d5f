// The command agent.getTree: the graphs that a run called and how they stand.

import { isUuid } from "../../../domain/ids.ts";
import type { JsonObject } from "../../../domain/json.ts";
import type { AgentTree } from "../../../domain/thread-tape.ts";
import type { Caller } from "../../operation.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { CommandRefusal } from "./protocol-error.ts";
import { findThread } from "./run-start.ts";

export async function readAgentTree(caller: Caller, threadId: string, params: JsonObject): Promise<CommandOutcome> {
  const { run_id: runId } = params;
  if (runId !== undefined && runId !== null && !(typeof runId === "string" && isUuid(runId))) {
    throw new CommandRefusal("invalid_argument", "params.run_id: must be a UUID");
  }
  const thread = await findThread(caller, threadId);
  const tree = thread && (await caller.services.engine.readAgentTree(threadId, (runId as string | null) ?? undefined));
  if (tree === undefined) throw new CommandRefusal("no_such_run", `Thread ${threadId} has no such run.`);
  return { result: { tree: present(tree) } };
}

function present({ namespace, status, graphName, children }: AgentTree): JsonObject {
  return { namespace, status, graph_name: graphName, children: children.map(present) };
}
