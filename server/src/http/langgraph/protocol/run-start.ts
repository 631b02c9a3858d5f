// The command run.start: a new run, or the answer to the interrupts that the thread waits at.
import type { JsonObject } from "../../../domain/json.ts";
import { MULTITASK_STRATEGIES, type MultitaskStrategy, type Run } from "../../../domain/run.ts";
import type { InterruptRecord, Thread } from "../../../domain/thread.ts";
import { firstSeqOf } from "../../../domain/thread-tape.ts";
import type { Caller } from "../../operation.ts";
import { describeProblems } from "../../request-problems.ts";
import { createRun } from "../runs/create-run.ts";
import { runCreateSchema } from "../runs/run-create-body.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { CommandRefusal } from "./protocol-error.ts";

export async function startRun(caller: Caller, threadId: string, params: JsonObject): Promise<CommandOutcome> {
  const { assistant_id, input, config, context, metadata, langsmith_tracer } = params;
  if (typeof assistant_id !== "string" || assistant_id === "") {
    throw new CommandRefusal("invalid_argument", "run.start requires an assistant_id.");
  }
  const isAnswer = input !== null && input !== undefined && !hasCheckpoint(config);
  const thread = isAnswer ? await findThread(caller, threadId) : undefined;
  const isResume = thread !== undefined && pendingInterruptIds(thread).size > 0;
  const run = await createProtocolRun(caller, threadId, {
    assistant_id,
    ...(isResume ? { command: { resume: input } } : { input: input ?? null }),
    config,
    context,
    metadata,
    langsmith_tracer,
    multitask_strategy: toStrategy(params.multitask_strategy ?? params.multitaskStrategy),
  });
  return startedOutcome(run);
}

/** The thread without its values, where the caller may see it. */
export async function findThread({ services, authorize }: Caller, threadId: string): Promise<Thread | undefined> {
  const access = await authorize("threads", "read", { thread_id: threadId });
  return services.threads.findThread(threadId, access, { withValues: false });
}

/** Ids of the interrupts the thread's row tells of; none while a run is at work, save for `isBusyToo`. */
export function pendingInterruptIds(thread: Thread, isBusyToo = false): Set<string> {
  if (thread.status !== "interrupted" && !(isBusyToo && thread.status === "busy")) return new Set();
  const interrupts: InterruptRecord[] = Object.values(thread.interrupts).flat();
  return new Set(interrupts.flatMap(({ id }) => (typeof id === "string" ? [id] : [])));
}

/** @throws CommandRefusal `invalid_argument` for a body that no run can be made of */
export async function createProtocolRun(caller: Caller, threadId: string, fields: JsonObject): Promise<Run> {
  const parsed = runCreateSchema.safeParse({ ...fields, if_not_exists: "create" });
  if (!parsed.success) throw new CommandRefusal("invalid_argument", describeProblems("params", parsed.error).message);
  return createRun(caller, { body: parsed.data, threadId, isFollowed: true, isProtocol: true });
}

/** Where the run begins is known only if it was claimed at once; clients find it by its id otherwise. */
export function startedOutcome({ runId, tapeBlock }: Run): CommandOutcome {
  return {
    result: { run_id: runId },
    ...(tapeBlock === null ? {} : { appliedThroughSeq: firstSeqOf(tapeBlock) - 1 }),
  };
}

function hasCheckpoint(config: unknown): boolean {
  const configurable: unknown = isRecord(config) ? config.configurable : undefined;
  return isRecord(configurable) && typeof configurable.checkpoint_id === "string" && configurable.checkpoint_id !== "";
}

function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}

/** A strategy nobody knows counts as none. */
function toStrategy(value: unknown): MultitaskStrategy {
  return MULTITASK_STRATEGIES.find((strategy) => strategy === value) ?? "enqueue";
}
