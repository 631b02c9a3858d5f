// The command state.get: values of the thread's newest state, whole or some keys, of the root or of a subgraph.
import { z } from "@hono/zod-openapi";
import type { JsonObject } from "../../../domain/json.ts";
import type { Caller } from "../../operation.ts";
import { stateContext } from "../threads/thread-wire.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { CommandRefusal } from "./protocol-error.ts";
import { parseParams } from "./protocol-params.ts";
import { findThread } from "./run-start.ts";

const paramsSchema = z.object({
  namespace: z.array(z.string()).nullish(),
  keys: z.array(z.string()).nullish(),
});

export async function readState(caller: Caller, threadId: string, params: JsonObject): Promise<CommandOutcome> {
  const { namespace, keys } = parseParams(paramsSchema, params);
  const thread = await findThread(caller, threadId);
  if (thread === undefined) throw new CommandRefusal("no_such_run", `Thread ${threadId} has no state.`);
  const checkpointNs = (namespace ?? []).join("|");
  const ref = checkpointNs === "" ? undefined : { checkpointNs };
  const state = await caller.services.threadStates.readState(stateContext(thread), ref, { subgraphs: false });
  if (ref !== undefined && state.checkpoint === null) {
    throw new CommandRefusal("no_such_namespace", `Thread ${threadId} has no state at ${checkpointNs}.`);
  }
  const { checkpoint } = state;
  const address = checkpoint && { id: checkpoint.checkpointId, ns: checkpoint.checkpointNs };
  return { result: { values: pick(state.values, keys), ...(address ? { checkpoint: address } : {}) } };
}

function pick(values: unknown, keys: string[] | null | undefined): unknown {
  if (!keys || typeof values !== "object" || values === null) return values;
  return Object.fromEntries(Object.entries(values).filter(([key]) => keys.includes(key)));
}
