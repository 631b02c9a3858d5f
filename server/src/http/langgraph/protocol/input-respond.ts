// The command input.respond: answers one or several of the interrupts that the thread waits at, in one run.
import { z } from "@hono/zod-openapi";
import type { JsonObject } from "../../../domain/json.ts";
import type { Thread } from "../../../domain/thread.ts";
import type { Caller } from "../../operation.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { CommandRefusal } from "./protocol-error.ts";
import { parseParams } from "./protocol-params.ts";
import { createProtocolRun, findThread, pendingInterruptIds, startedOutcome } from "./run-start.ts";

const RESPONSES_MAX = 1_000;

const entrySchema = z.object({ interrupt_id: z.string().min(1), response: z.unknown().optional() });
const responsesSchema = z.union([
  z.object({ responses: z.array(entrySchema).min(1).max(RESPONSES_MAX) }),
  entrySchema.transform((entry) => ({ responses: [entry] })),
]);

export async function respondToInput(caller: Caller, threadId: string, params: JsonObject): Promise<CommandOutcome> {
  const { responses } = parseParams(responsesSchema, params);
  const thread = await findThread(caller, threadId);
  if (thread === undefined) throw new CommandRefusal("no_such_run", `Thread ${threadId} has no run to answer.`);
  const { update, goto, config, metadata, strict_resume } = params;
  // A strict resume is refused by the run: its end says which interrupts are left, to everybody who offers them.
  if (strict_resume !== true) {
    requirePending(
      thread,
      responses.map((entry) => entry.interrupt_id),
    );
  }
  const resume = Object.fromEntries(responses.map((entry) => [entry.interrupt_id, entry.response ?? null]));
  const run = await createProtocolRun(caller, threadId, {
    assistant_id: thread.metadata.assistant_id,
    command: { resume, update, goto },
    config,
    metadata,
    strict_resume,
  });
  return startedOutcome(run);
}

/** The row decides, not what this process remembers: it is the same for every process and after a restart. */
function requirePending(thread: Thread, interruptIds: string[]): void {
  const pending = pendingInterruptIds(thread, true);
  const unknown = interruptIds.filter((id) => !pending.has(id));
  if (unknown.length === 0) return;
  throw new CommandRefusal(
    "no_such_interrupt",
    `No interrupt ${unknown.join(", ")} waits on thread ${thread.threadId}.`,
  );
}
