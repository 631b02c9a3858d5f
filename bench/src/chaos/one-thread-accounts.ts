// The books of one crowded thread: from the audit of every admission, claim and end, and the messages in its state, whether each
// run came out as its strategy and those of later runs say.
import type { Pool } from "pg";
import type { Violation } from "../harness/check-input.ts";

export interface SentRun {
  runId: string;
  message: string;
  strategy: "reject" | "enqueue" | "interrupt" | "rollback";
}

export interface Account {
  violations: Violation[];
  /** Runs that were not rolled back. */
  keptRunIds: string[];
  outcomes: Record<"succeeded" | "interrupted" | "rolledBack", number>;
}

interface Move {
  txid: string;
  run_id: string;
  old_status: string | null;
  status: string;
  strategy: SentRun["strategy"];
}

/** One run's life so far, as the moves are read in order. */
interface Life {
  strategy: SentRun["strategy"];
  hasRun: boolean;
  status: string;
  /** Strategies of the runs admitted during its life. */
  laterStrategies: Set<string>;
}

export async function checkStrategies(pool: Pool, sent: SentRun[], storedMessages: string[]): Promise<Account> {
  const { rows } = await pool.query<Move>(
    "select txid::text, run_id, old_status, status, strategy from audit_run order by id",
  );
  const details: string[] = [];
  const { lives, claimOrder } = replay(rows, details);
  for (const { runId } of sent) if (!lives.has(runId)) details.push(`acknowledged run ${runId} was never admitted`);
  if (lives.size > sent.length) details.push(`${lives.size} runs were admitted, only ${sent.length} were acknowledged`);
  checkEnds(lives, details);
  checkState(sent, lives, claimOrder, storedMessages, details);
  const count = (status: string) => [...lives.values()].filter((life) => life.status === status).length;
  return {
    violations: details.map((detail) => ({ invariant: "F7", detail })),
    keptRunIds: sent.filter(({ runId }) => lives.get(runId)?.status !== "deleted").map(({ runId }) => runId),
    outcomes: { succeeded: count("success"), interrupted: count("interrupted"), rolledBack: count("deleted") },
  };
}

/** Goes through all moves in the order in which the thread's row let them happen. */
function replay(moves: Move[], details: string[]) {
  const lives = new Map<string, Life>();
  const isAdmission = (move: Move) => move.old_status === null && move.status !== "deleted";
  // An admission first ends what waits, then inserts its own run: one transaction.
  const admittedIn = new Map(moves.filter(isAdmission).map((move) => [move.txid, move.strategy]));
  const active = new Set<string>();
  const admitOrder: string[] = [];
  const claimOrder: string[] = [];
  for (const move of moves) {
    const { run_id: runId, status, strategy } = move;
    if (isAdmission(move)) {
      for (const other of active) lives.get(other)!.laterStrategies.add(strategy);
      checkAdmission(runId, strategy, active, lives, details);
      lives.set(runId, { strategy, hasRun: false, status, laterStrategies: new Set() });
      admitOrder.push(runId);
      active.add(runId);
    }
    const life = lives.get(runId)!;
    life.status = status;
    if (!isAdmission(move) && admittedIn.has(move.txid)) life.laterStrategies.add(admittedIn.get(move.txid)!);
    if (status === "running" && !life.hasRun) {
      life.hasRun = true;
      claimOrder.push(runId);
    }
    if (status !== "pending" && status !== "running") active.delete(runId);
  }
  const inOrder = admitOrder.filter((runId) => lives.get(runId)!.hasRun);
  if (inOrder.join() !== claimOrder.join()) details.push("runs were not claimed in the order of their arrival");
  return { lives, claimOrder };
}

function checkAdmission(
  runId: string,
  strategy: string,
  active: Set<string>,
  lives: Map<string, Life>,
  details: string[],
) {
  if (strategy === "reject" && active.size > 0) details.push(`run ${runId} (reject) was admitted to a busy thread`);
  if (strategy !== "interrupt" && strategy !== "rollback") return;
  const waiting = [...active].filter((other) => lives.get(other)!.status === "pending");
  if (waiting.length > 0) details.push(`run ${runId} (${strategy}) left ${waiting.length} waiting runs before it`);
}

/** A run may only be cut short by a later one whose strategy says so. */
function checkEnds(lives: Map<string, Life>, details: string[]): void {
  for (const [runId, { status, laterStrategies }] of lives) {
    if (status === "success") continue;
    if (status === "interrupted" && laterStrategies.has("interrupt")) continue;
    if (status === "deleted" && laterStrategies.has("rollback")) continue;
    details.push(`run ${runId} is ${status}, and the runs after it were: ${[...laterStrategies].join(", ") || "none"}`);
  }
}

/** The state holds every successful message, no rolled-back one, an interrupted one at most if it ran; in order, once each. */
function checkState(
  sent: SentRun[],
  lives: Map<string, Life>,
  claimOrder: string[],
  stored: string[],
  details: string[],
): void {
  const messageOf = new Map(sent.map(({ runId, message }) => [runId, message]));
  const held = new Set(stored);
  if (held.size < stored.length) details.push(`${stored.length - held.size} messages are in the state twice`);
  for (const [runId, { status, hasRun }] of lives) {
    const isHeld = held.has(messageOf.get(runId) ?? "");
    if (status === "success" && !isHeld) details.push(`run ${runId} succeeded but its message is not in the state`);
    if (status === "deleted" && isHeld) details.push(`run ${runId} was rolled back but its message is in the state`);
    if (!hasRun && isHeld) details.push(`run ${runId} never ran but its message is in the state`);
  }
  const expected = claimOrder.map((runId) => messageOf.get(runId) ?? "").filter((message) => held.has(message));
  if (expected.join("\n") !== stored.join("\n"))
    details.push("the messages in the state are not in the order of their runs");
}
