// The command state.listCheckpoints: the checkpoints of the root graph or of a subgraph, newest first.
import { z } from "@hono/zod-openapi";
import { type JsonObject, omitUndefined } from "../../../domain/json.ts";
import type { ThreadState } from "../../../domain/thread-state.ts";
import type { Caller } from "../../operation.ts";
import { limitSchema } from "../../wire.ts";
import { stateContext } from "../threads/thread-wire.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { requireCheckpoint } from "./known-checkpoint.ts";
import { CommandRefusal } from "./protocol-error.ts";
import { parseParams } from "./protocol-params.ts";
import { findThread } from "./run-start.ts";

const LIMIT_DEFAULT = 10;

const paramsSchema = z.object({
  namespace: z.array(z.string()).nullish(),
  limit: limitSchema.nullish(),
  before: z.string().min(1).nullish(),
});

export async function listCheckpoints(caller: Caller, threadId: string, params: JsonObject): Promise<CommandOutcome> {
  const { namespace, limit, before } = parseParams(paramsSchema, params);
  const thread = await findThread(caller, threadId);
  if (thread === undefined) throw new CommandRefusal("no_such_run", `Thread ${threadId} has no state.`);
  const address = omitUndefined({ checkpointNs: namespace?.length ? namespace.join("|") : undefined });
  if (before) await requireCheckpoint(caller, thread, { ...address, checkpointId: before });
  const count = limit ?? LIMIT_DEFAULT;
  // One more than asked for: what a checkpoint's nodes were is known from the one before it.
  const states = await caller.services.threadStates.readHistory(
    stateContext(thread),
    omitUndefined({
      limit: count + 1,
      checkpoint: namespace?.length ? address : undefined,
      before: before ? { ...address, checkpointId: before } : undefined,
    }),
  );
  if (namespace?.length && !before && states.length === 0) {
    throw new CommandRefusal("no_such_namespace", `Thread ${threadId} has no state at ${address.checkpointNs}.`);
  }
  return { result: { checkpoints: states.slice(0, count).map((state) => present(state, states)) } };
}

function present(state: ThreadState, states: ThreadState[]): JsonObject {
  const step = state.metadata?.step;
  return omitUndefined<JsonObject>({
    id: state.checkpoint?.checkpointId,
    timestamp: state.createdAt,
    step: typeof step === "number" ? step : 0,
    node_name: nodeOf(state, states),
    metadata: state.metadata,
  });
}

/** The node whose step led here, where it was a single one. */
function nodeOf({ parentCheckpoint, metadata }: ThreadState, states: ThreadState[]): string | undefined {
  if (metadata?.source !== "loop") return undefined;
  const parent = states.find(({ checkpoint }) => checkpoint?.checkpointId === parentCheckpoint?.checkpointId);
  const [name, ...others] = parent?.tasks.map((task) => task.name) ?? [];
  return others.length === 0 && name !== "__start__" ? name : undefined;
}
