// One command of the event protocol: reads the envelope, hands it to what carries it out, answers in the protocol's shape.
import { z } from "@hono/zod-openapi";
import type { JsonObject } from "../../../domain/json.ts";
import type { Caller } from "../../operation.ts";
import { readAgentTree } from "./agent-tree.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { injectInput } from "./input-inject.ts";
import { respondToInput } from "./input-respond.ts";
import { CommandRefusal, toRefusal } from "./protocol-error.ts";
import { startRun } from "./run-start.ts";
import { listCheckpoints } from "./state-checkpoints.ts";
import { forkState } from "./state-fork.ts";
import { readState } from "./state-get.ts";

export const commandEnvelopeSchema = z
  .object({
    id: z.int().min(0),
    method: z.string(),
    params: z.record(z.string(), z.unknown()).nullish(),
  })
  .openapi("ProtocolCommand", {
    example: { id: 1, method: "run.start", params: { assistant_id: "agent", input: { messages: [] } } },
  });

export type CommandEnvelope = z.output<typeof commandEnvelopeSchema>;

type CommandHandler = (caller: Caller, threadId: string, params: JsonObject) => Promise<CommandOutcome>;

const HANDLERS: Record<string, CommandHandler> = {
  "run.start": startRun,
  "input.respond": respondToInput,
  "state.get": readState,
  "state.listCheckpoints": listCheckpoints,
  "state.fork": forkState,
  "input.inject": injectInput,
  "agent.getTree": readAgentTree,
};

/** Commands of the protocol that this server knows of and does not carry out. */
const UNSUPPORTED = new Set(["subscription.reconnect"]);
const SUBSCRIPTIONS = new Set(["subscription.subscribe", "subscription.unsubscribe"]);

/**
 * The answer to a command, a refusal included.
 * @throws what a later try can get past, such as DatabaseUnavailableError, and what nobody foresaw
 */
export async function answerCommand(caller: Caller, threadId: string, command: CommandEnvelope): Promise<JsonObject> {
  const { id, method, params } = command;
  try {
    const outcome = await handlerOf(method)(caller, threadId, params ?? {});
    return presentSuccess(id, threadId, outcome);
  } catch (error) {
    const refusal = toRefusal(error);
    if (refusal === undefined) throw error;
    return presentRefusal(id, refusal);
  }
}

function handlerOf(method: string): CommandHandler {
  const handler = Object.hasOwn(HANDLERS, method) ? HANDLERS[method] : undefined;
  if (handler !== undefined) return handler;
  if (SUBSCRIPTIONS.has(method)) {
    throw new CommandRefusal("not_supported", "Over HTTP an event stream is its own subscription; see stream/events.");
  }
  if (UNSUPPORTED.has(method)) throw new CommandRefusal("not_supported", `${method} is not supported by this server.`);
  throw new CommandRefusal("unknown_command", `Unknown command: ${method}`);
}

export function presentSuccess(
  id: number,
  threadId: string,
  { result, appliedThroughSeq }: CommandOutcome,
): JsonObject {
  return {
    type: "success",
    id,
    result,
    meta: { thread_id: threadId, applied_through_seq: appliedThroughSeq ?? 0 },
  };
}

/** @param id `null` where the command could not be read that far */
export function presentRefusal(id: number | null, { code, message }: CommandRefusal): JsonObject {
  return { type: "error", id, error: code, message };
}
