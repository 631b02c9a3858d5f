// Makes sure that a checkpoint a command names is there.
import type { Thread } from "../../../domain/thread.ts";
import type { CheckpointRef } from "../../../domain/thread-state.ts";
import type { Caller } from "../../operation.ts";
import { stateContext } from "../threads/thread-wire.ts";
import { CommandRefusal } from "./protocol-error.ts";

/** @throws CommandRefusal `no_such_checkpoint` */
export async function requireCheckpoint(caller: Caller, thread: Thread, ref: CheckpointRef): Promise<void> {
  const state = await caller.services.threadStates.readState(stateContext(thread), ref, { subgraphs: false });
  if (state.checkpoint !== null) return;
  throw new CommandRefusal("no_such_checkpoint", `Thread ${thread.threadId} has no checkpoint ${ref.checkpointId}.`);
}
