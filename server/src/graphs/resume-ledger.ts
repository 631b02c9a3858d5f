// Remembers which interrupts were open when a resume was given, so that after a crash no answer is lost and none is used twice.
import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CheckpointTuple, PendingWrite } from "@langchain/langgraph-checkpoint";
import type { RunCommand } from "../domain/run.ts";
import type { SaverHooks } from "./fenced-saver.ts";
import { LEDGER_CHANNEL, NO_TASK_ID, openInterruptIds, RESUME_CHANNEL } from "./pending-writes.ts";

function isRoot(config: RunnableConfig | undefined): boolean {
  return (config?.configurable?.checkpoint_ns ?? "") === "";
}

/** Saver hooks that write the ledger beside the first resume value of the run. */
export function resumeLedgerHooks(
  runId: string,
  saver: BaseCheckpointSaver,
  options: { isResumeSpent: () => boolean },
): SaverHooks {
  let open: Set<string> = new Set();
  let recorded: Promise<void> | undefined;
  return {
    afterLoad(tuple) {
      if (tuple.pendingWrites === undefined) return tuple;
      if (isRoot(tuple.config)) open = openInterruptIds(tuple.pendingWrites);
      if (!options.isResumeSpent()) return tuple;
      // LangGraph leaves a used answer among the checkpoint's writes and would give it to the next question.
      return {
        ...tuple,
        pendingWrites: tuple.pendingWrites.filter(
          ([taskId, channel]) => !(taskId === NO_TASK_ID && channel === RESUME_CHANNEL),
        ),
      };
    },
    beforeWrites(config: RunnableConfig, writes: PendingWrite[]) {
      if (recorded === undefined && isRoot(config) && writes.some(([channel]) => channel === RESUME_CHANNEL)) {
        recorded = saver.putWrites(config, [[LEDGER_CHANNEL, [...open]]], runId);
      }
      return recorded;
    },
  };
}

/** A resume that names interrupts: every key is an interrupt's id. */
function isResumeMap(resume: unknown): resume is Record<string, unknown> {
  if (typeof resume !== "object" || resume === null || Array.isArray(resume)) return false;
  const keys = Object.keys(resume);
  return keys.length > 0 && keys.every((key) => /^[0-9a-f]{32}$/.test(key));
}

/**
 * The command with its answer tied to the only open question. LangGraph gives a bare answer to whoever asks next, so that after a
 * crash inside a subgraph the answer to one question could become that to a later one.
 */
function tieAnswer(command: RunCommand, openIds: string[]): RunCommand {
  const [id, ...others] = openIds;
  if (id === undefined || others.length > 0 || isResumeMap(command.resume)) return command;
  return { ...command, resume: { [id]: command.resume } };
}

/** What a run resumes with on its first attempt at `base`. */
export function startResume(base: CheckpointTuple, command: RunCommand): RunCommand {
  return tieAnswer(command, [...openInterruptIds(base.pendingWrites ?? [])]);
}

/**
 * What to resume with at `base` after an earlier attempt of the run: the whole command when no answer was used, nothing when the
 * only answer was, the unused ones of several.
 * @param open ids of the interrupts that wait for an answer now
 */
export function continueResume(
  base: CheckpointTuple,
  runId: string,
  command: RunCommand,
  open: ReadonlySet<string>,
): RunCommand | undefined {
  const writes = base.pendingWrites ?? [];
  const entry = writes.find(([taskId, channel]) => taskId === runId && channel === LEDGER_CHANNEL);
  if (entry === undefined) return startResume(base, command);
  const recorded = entry[2] as string[];
  const tied = tieAnswer(command, recorded);
  if (recorded.every((id) => open.has(id))) return tied;
  if (!isResumeMap(tied.resume)) return undefined;
  const unused = Object.entries(tied.resume).filter(([id]) => open.has(id));
  // The update and goto of the command were saved together with the answers.
  return unused.length === 0 ? undefined : { resume: Object.fromEntries(unused) };
}
