// The command state.fork: a run that goes on from an earlier checkpoint, as a branch of the same thread.
import { z } from "@hono/zod-openapi";
import type { JsonObject } from "../../../domain/json.ts";
import type { Caller } from "../../operation.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { requireCheckpoint } from "./known-checkpoint.ts";
import { CommandRefusal } from "./protocol-error.ts";
import { parseParams } from "./protocol-params.ts";
import { createProtocolRun, findThread, startedOutcome } from "./run-start.ts";

const paramsSchema = z.object({
  checkpoint_id: z.string().min(1),
  input: z.unknown().optional(),
  config: z.record(z.string(), z.unknown()).nullish(),
});

export async function forkState(caller: Caller, threadId: string, params: JsonObject): Promise<CommandOutcome> {
  const { checkpoint_id, input, config } = parseParams(paramsSchema, params);
  const thread = await findThread(caller, threadId);
  if (thread === undefined) throw new CommandRefusal("no_such_run", `Thread ${threadId} has no state to fork.`);
  await requireCheckpoint(caller, thread, { checkpointId: checkpoint_id });
  const run = await createProtocolRun(caller, threadId, {
    assistant_id: thread.metadata.assistant_id,
    input: input ?? null,
    checkpoint: { checkpoint_id },
    config,
    multitask_strategy: "enqueue",
  });
  const { result, ...outcome } = startedOutcome(run);
  return { ...outcome, result: { ...result, thread_id: threadId } };
}
