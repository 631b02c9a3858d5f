// Decides how a run that was claimed before goes on: from its input, from its newest checkpoint, or not at all because it had already stopped.
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { Run, RunCommand } from "../domain/run.ts";
import type { CompiledGraph, GraphSnapshot } from "./compiled-graph.ts";
import type { FencedSaver } from "./fenced-saver.ts";
import { continueResume, startResume } from "./resume-ledger.ts";
import { runAddress } from "./run-config.ts";
import { pendingTasks } from "./run-outcome.ts";
import { toConfigurable } from "./wire-checkpoint.ts";

/** How to go on. */
export type Continuation =
  /** Nothing of this run was saved: as on the first attempt. */
  | { kind: "start"; command: RunCommand | undefined }
  /** LangGraph picks up at the newest checkpoint. */
  | { kind: "continue"; isAddressed: boolean }
  /** The run had stopped at interrupts or a breakpoint; only its end was not recorded. */
  | { kind: "stopped"; interrupts: unknown[] };

type Breakpoints = "*" | string[] | undefined;

function covers(breakpoints: Breakpoints, nodes: string[]): boolean {
  if (breakpoints === undefined) return false;
  return breakpoints === "*" ? nodes.length > 0 : nodes.some((node) => breakpoints.includes(node));
}

/** Whether any channel changed since the thread last went past a breakpoint; the rule LangGraph stops by. */
function hasChangedSinceBreakpoint(tuple: CheckpointTuple): boolean {
  const { channel_versions: versions, versions_seen: versionsSeen } = tuple.checkpoint;
  const seen = versionsSeen.__interrupt__ ?? {};
  return Object.entries(versions).some(([channel, version]) => {
    const before = seen[channel];
    return before === undefined || version > before;
  });
}

/** The nodes whose step led to the checkpoint. */
async function readFinishedNodes(graph: CompiledGraph, threadId: string, tuple: CheckpointTuple): Promise<string[]> {
  const parentId: unknown = tuple.parentConfig?.configurable?.checkpoint_id;
  if (typeof parentId !== "string" || tuple.metadata?.source !== "loop") return [];
  const parent = await graph.getState({ configurable: toConfigurable(threadId, { checkpointId: parentId }) });
  return parent.tasks.map((task) => task.name);
}

/**
 * Whether the earlier attempt stopped at a breakpoint here. Invoking the graph again would count as the human's consent and go
 * past it.
 */
async function isAtBreakpoint(
  run: Run,
  graph: CompiledGraph,
  tuple: CheckpointTuple,
  snapshot: GraphSnapshot,
): Promise<boolean> {
  const before = run.kwargs.interruptBefore ?? graph.interruptBefore;
  const after = run.kwargs.interruptAfter ?? graph.interruptAfter;
  const hasAfter = after !== undefined && after.length > 0;
  if (snapshot.next.length === 0 && !hasAfter) return false;
  if (!hasChangedSinceBreakpoint(tuple)) return false;
  if (covers(before, snapshot.next)) return true;
  return hasAfter && covers(after, await readFinishedNodes(graph, run.threadId, tuple));
}

function interruptId(interrupt: unknown): unknown {
  return typeof interrupt === "object" && interrupt !== null ? Reflect.get(interrupt, "id") : undefined;
}

/** The interrupts that wait now. A subgraph knows better than the task it runs in, which hears of them a moment later. */
function openInterrupts(snapshot: GraphSnapshot): unknown[] {
  return pendingTasks(snapshot).flatMap(({ state, interrupts }) => {
    const nested = state !== undefined && "tasks" in state ? (state as GraphSnapshot) : undefined;
    return nested !== undefined && nested.tasks.length > 0 ? openInterrupts(nested) : (interrupts ?? []);
  });
}

/** The pending interrupts when nothing but interrupts is pending, else `undefined`. */
function onlyInterrupts(snapshot: GraphSnapshot): unknown[] | undefined {
  const open = new Set(openInterrupts(snapshot).map(interruptId));
  const pending = pendingTasks(snapshot);
  const isStopped = pending.every(({ interrupts = [] }) => {
    return interrupts.length > 0 && interrupts.every((interrupt) => open.has(interruptId(interrupt)));
  });
  return pending.length > 0 && isStopped ? pending.flatMap(({ interrupts }) => interrupts ?? []) : undefined;
}

function isResume(command: RunCommand | undefined): command is RunCommand {
  return command?.resume !== undefined && command.resume !== null;
}

/** How a run starts on its first attempt. */
export async function planStart(run: Run, saver: FencedSaver | undefined): Promise<Continuation> {
  const { command } = run.kwargs;
  if (saver === undefined || !isResume(command)) return { kind: "start", command };
  const base = await saver.getTuple({ configurable: toConfigurable(run.threadId, runAddress(run)) });
  return { kind: "start", command: base === undefined ? command : startResume(base, command) };
}

/**
 * How a run goes on that was claimed before.
 * @param graph for snapshots of the thread
 */
export async function planContinuation(run: Run, graph: CompiledGraph, saver: FencedSaver): Promise<Continuation> {
  const rootConfig = { configurable: toConfigurable(run.threadId, undefined) };
  const head = await saver.getTuple(rootConfig);
  const { command } = run.kwargs;
  if (head === undefined) return { kind: "start", command };
  if (Reflect.get(head.metadata ?? {}, "run_id") === run.runId) {
    const snapshot = await graph.getState(rootConfig, { subgraphs: true });
    const interrupts = onlyInterrupts(snapshot);
    if (interrupts !== undefined) return { kind: "stopped", interrupts };
    if (await isAtBreakpoint(run, graph, head, snapshot)) return { kind: "stopped", interrupts: [] };
    return { kind: "continue", isAddressed: false };
  }
  if (!isResume(command)) return { kind: "start", command };
  const address = runAddress(run);
  const baseConfig = { configurable: toConfigurable(run.threadId, address) };
  const base = address === undefined ? head : await saver.getTuple(baseConfig);
  if (base === undefined) return { kind: "start", command };
  const snapshot = await graph.getState(baseConfig, { subgraphs: true });
  const open = new Set(openInterrupts(snapshot).map((interrupt) => String(interruptId(interrupt))));
  const unused = continueResume(base, run.runId, command, open);
  if (unused !== undefined) return { kind: "start", command: unused };
  const interrupts = onlyInterrupts(snapshot);
  return interrupts === undefined ? { kind: "continue", isAddressed: true } : { kind: "stopped", interrupts };
}
