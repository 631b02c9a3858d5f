// The command input.inject: puts a message into a graph's state without starting a run.
import { z } from "@hono/zod-openapi";
import { ConflictError } from "../../../domain/errors.ts";
import { type JsonObject, omitUndefined } from "../../../domain/json.ts";
import type { Caller } from "../../operation.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { CommandRefusal } from "./protocol-error.ts";
import { parseParams } from "./protocol-params.ts";
import { findThread, pendingInterruptIds } from "./run-start.ts";

const paramsSchema = z.object({
  namespace: z.array(z.string()).nullish(),
  message: z.object({ role: z.enum(["user", "system"]), content: z.string(), name: z.string().nullish() }),
});

/** A question that waits would be lost with the state it waits in, and a run at work would not see the message. */
export async function injectInput(caller: Caller, threadId: string, params: JsonObject): Promise<CommandOutcome> {
  const { namespace, message } = parseParams(paramsSchema, params);
  const access = await caller.authorize("threads", "update", { thread_id: threadId, action: "update_state" });
  const thread = await findThread(caller, threadId);
  if (thread === undefined) throw new CommandRefusal("no_such_run", `Thread ${threadId} has no state.`);
  if (pendingInterruptIds(thread).size > 0) {
    throw new CommandRefusal("invalid_argument", "The thread waits for an answer: answer it first.");
  }
  const { role, content, name } = message;
  const values = { messages: [omitUndefined({ role, content, name: name ?? undefined })] };
  const ref = namespace?.length ? { checkpointNs: namespace.join("|") } : undefined;
  try {
    await caller.services.engine.updateThreadState(threadId, { values }, ref, access);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    throw new CommandRefusal("invalid_argument", "A run is at work on the thread: try again when it has ended.");
  }
  return { result: {} };
}
