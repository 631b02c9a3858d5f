// Reading and changing the state of threads through their graphs.
import { randomUUID } from "node:crypto";
import { MemorySaver } from "@langchain/langgraph-checkpoint";
import { beforeEach, describe, expect, it } from "vitest";
import { BadRequestError } from "../domain/errors.ts";
import type { StateContext } from "../domain/ports/graph-runtime.ts";
import type { GraphRuntime } from "./graph-runtime.ts";
import { claimNext, claimRun, createTestRuntime, execute } from "./testing/execution-harness.ts";

const COUNTER = "counter:graph";
const NESTED = "nested:top";
const SINGLE = "interrupts:single";
const CHAT = "chat:graph";
const PARALLEL = "interrupts:parallel";

let runtime: GraphRuntime;
let saver: MemorySaver;

beforeEach(() => {
  saver = new MemorySaver();
  runtime = createTestRuntime([COUNTER, NESTED, SINGLE, CHAT, PARALLEL], saver);
});

function contextOf(graphId: string, threadId: string = randomUUID()): StateContext {
  return { threadId, graphId, config: {} };
}

function fenceOf({ threadId }: StateContext) {
  return { threadId, runId: randomUUID(), epoch: "1" };
}

async function run(graphId: string, input: unknown) {
  const claimed = claimRun(graphId, { input });
  const execution = await execute(runtime, claimed);
  return { ...execution, claimed, context: contextOf(graphId, claimed.run.threadId) };
}

const FLAT = { subgraphs: false };

describe("reading a state", () => {
  it("is empty for a thread without a graph or without checkpoints", async () => {
    const empty = {
      values: {},
      valuesJson: "{}",
      next: [],
      tasks: [],
      createdAt: null,
      checkpoint: null,
      parentCheckpoint: null,
    };
    const untouched = { ...contextOf(COUNTER), graphId: undefined };
    expect(await runtime.stateReader.readState(untouched, undefined, FLAT)).toEqual(empty);
    expect(await runtime.stateReader.readHistory(untouched, { limit: 10 })).toEqual([]);
    expect(await runtime.stateReader.readState(contextOf(COUNTER), undefined, FLAT)).toEqual(empty);
  });

  it("has messages in flat form", async () => {
    const { context } = await run(CHAT, { messages: [{ role: "user", content: "hi", id: "m1" }] });
    const state = await runtime.stateReader.readState(context, undefined, FLAT);
    const { messages } = state.values as { messages: Record<string, unknown>[] };
    expect(messages[0]).toMatchObject({ type: "human", content: "hi", id: "m1" });
    expect(messages[1]).toMatchObject({ type: "ai", content: "Hello you" });
    expect(JSON.stringify(state)).not.toContain('"lc"');
  });

  it("shows a waiting task with its interrupt", async () => {
    const { context, outcome } = await run(SINGLE, {});
    const state = await runtime.stateReader.readState(context, undefined, FLAT);
    expect(state.next).toEqual(["ask"]);
    const [task] = state.tasks;
    expect(task).toMatchObject({
      name: "ask",
      path: ["__pregel_pull", "ask"],
      error: null,
      checkpoint: null,
      state: null,
      result: null,
    });
    expect(outcome.interrupts).toEqual({ [task?.id ?? ""]: task?.interrupts });
    expect(state.interrupts).toEqual(task?.interrupts);
    expect(state.parentCheckpoint?.checkpointId).toBeTruthy();
  });

  it("addresses or includes the state of subgraphs", async () => {
    const { context } = await run(NESTED, {});
    const flat = await runtime.stateReader.readState(context, undefined, FLAT);
    const address = flat.tasks[0]?.checkpoint;
    expect(address?.checkpointNs).toMatch(/^middle:/);
    expect(flat.tasks[0]?.state).toBeNull();
    const deep = await runtime.stateReader.readState(context, undefined, { subgraphs: true });
    expect(deep.tasks[0]?.checkpoint).toBeNull();
    expect(deep.tasks[0]?.state).toMatchObject({ values: { trail: ["before"] }, next: ["bottom"] });
    expect(deep.tasks[0]?.state?.tasks[0]?.state).toMatchObject({
      next: ["ask"],
      tasks: [{ interrupts: [{ value: "deep?" }] }],
    });
    const inside = await runtime.stateReader.readState(context, { checkpointNs: address?.checkpointNs ?? "" }, FLAT);
    expect(inside.values).toEqual({ trail: ["before"] });
    const history = await runtime.stateReader.readHistory(context, {
      limit: 10,
      checkpoint: { checkpointNs: address?.checkpointNs ?? "" },
    });
    expect(history.map((state) => state.next)).toEqual([["bottom"], ["before"], ["__start__"]]);
  });

  it("keeps a task waiting that was answered and asked again", async () => {
    runtime = createTestRuntime(["interrupts:sequence"], saver);
    const { claimed, context } = await run("interrupts:sequence", {});
    const { outcome } = await execute(runtime, claimNext(claimed, { command: { resume: "one" } }));
    expect(outcome.isThreadInterrupted).toBe(true);
    const state = await runtime.stateReader.readState(context, undefined, FLAT);
    expect(state.next).toEqual(["ask"]);
    expect(state.interrupts).toMatchObject([{ value: "second?" }]);
  });
});

describe("history", () => {
  it("is newest first, limited, filtered and bounded by a checkpoint", async () => {
    const { context, claimed } = await run(COUNTER, { count: 0 });
    const all = await runtime.stateReader.readHistory(context, { limit: 10 });
    expect(all.map((state) => state.next)).toEqual([[], ["second"], ["first"], ["__start__"]]);
    expect(all[0]?.parentCheckpoint?.checkpointId).toBe(all[1]?.checkpoint?.checkpointId);
    expect(await runtime.stateReader.readHistory(context, { limit: 1 })).toEqual(all.slice(0, 1));
    const before = { checkpointId: all[1]?.checkpoint?.checkpointId ?? "" };
    expect(await runtime.stateReader.readHistory(context, { limit: 10, before })).toEqual(all.slice(2));
    const inputs = await runtime.stateReader.readHistory(context, { limit: 10, metadata: { source: "input" } });
    expect(inputs).toEqual(all.slice(3));
    const byRun = await runtime.stateReader.readHistory(context, {
      limit: 10,
      metadata: { run_id: claimed.run.runId },
    });
    expect(byRun).toHaveLength(4);
    const old = await runtime.stateReader.readState(context, before, FLAT);
    expect(old.values).toEqual({ log: ["first"], count: 1 });
    expect(old.next).toEqual(["second"]);
  });
});

describe("updating a state", () => {
  it("writes as a node and belongs to no run", async () => {
    const { context } = await run(COUNTER, { count: 0 });
    const update = { values: { log: ["by hand"], count: 7 }, asNode: "first" };
    const write = await runtime.stateWriter.updateState(context, fenceOf(context), update, undefined);
    expect(write).toMatchObject({
      isThreadInterrupted: true,
      checkpoint: { threadId: context.threadId, checkpointNs: "" },
    });
    expect(JSON.parse(write.values?.json ?? "")).toEqual({ log: ["first", "second", "by hand"], count: 7 });
    expect(Object.values(write.interrupts)).toEqual([[]]);
    const state = await runtime.stateReader.readState(context, undefined, FLAT);
    expect(state.checkpoint?.checkpointId).toBe(write.checkpoint.checkpointId);
    expect(state.metadata).toMatchObject({ source: "update", graph_id: COUNTER });
    expect(state.metadata).not.toHaveProperty("run_id");
    expect(state.next).toEqual(["second"]);
  });

  it("takes message dictionaries", async () => {
    const context = contextOf(CHAT);
    const values = { messages: [{ role: "assistant", content: "from a human" }] };
    const write = await runtime.stateWriter.updateState(
      context,
      fenceOf(context),
      { values, asNode: "model" },
      undefined,
    );
    expect(JSON.parse(write.values?.json ?? "").messages).toMatchObject([{ type: "ai", content: "from a human" }]);
  });

  it("marks a node as done with no values, and forks an older checkpoint", async () => {
    const { context } = await run(SINGLE, {});
    const skip = await runtime.stateWriter.updateState(
      context,
      fenceOf(context),
      { values: null, asNode: "ask" },
      undefined,
    );
    const state = await runtime.stateReader.readState(context, undefined, FLAT);
    expect(state.next).toEqual(["finish"]);
    const history = await runtime.stateReader.readHistory(context, { limit: 10 });
    const base = history.find(({ next }) => next[0] === "prepare");
    const fork = await runtime.stateWriter.updateState(
      context,
      fenceOf(context),
      { values: { answers: ["forked"] }, asNode: "prepare" },
      { checkpointId: base?.checkpoint?.checkpointId ?? "" },
    );
    expect(fork.checkpoint.checkpointId).not.toBe(skip.checkpoint.checkpointId);
    const forked = await runtime.stateReader.readState(context, undefined, FLAT);
    expect(forked.values).toEqual({ answers: ["forked"] });
    expect(forked.parentCheckpoint?.checkpointId).toBe(base?.checkpoint?.checkpointId);
  });
});

describe("an update that cannot be applied", () => {
  it("is refused by naming the nodes there are", async () => {
    const { context } = await run(COUNTER, { count: 0 });
    const refused = runtime.stateWriter.updateState(
      context,
      fenceOf(context),
      { values: {}, asNode: "third" },
      undefined,
    );
    await expect(refused).rejects.toThrow('Node "third" does not exist. Nodes of this graph: first, second.');
    await expect(refused).rejects.toBeInstanceOf(BadRequestError);
    const parallel = await run(PARALLEL, {});
    const resume = Object.fromEntries(
      Object.values(parallel.outcome.interrupts).map(([interrupt]) => [interrupt?.id ?? "", "x"]),
    );
    await execute(runtime, claimNext(parallel.claimed, { command: { resume } }));
    const values = { answers: ["y"] };
    const ambiguous = runtime.stateWriter.updateState(
      parallel.context,
      fenceOf(parallel.context),
      { values },
      undefined,
    );
    await expect(ambiguous).rejects.toThrow(/set as_node to one of: left, right/);
    await expect(ambiguous).rejects.toBeInstanceOf(BadRequestError);
    const nowhere = { ...context, graphId: undefined };
    await expect(runtime.stateWriter.updateState(nowhere, fenceOf(context), {}, undefined)).rejects.toThrow(
      /has no graph ID/,
    );
  });
});

describe("supersteps", () => {
  it("are applied in order, commands included", async () => {
    const context = contextOf(COUNTER);
    const write = await runtime.stateWriter.applySupersteps(context, fenceOf(context), [
      { updates: [{ values: { log: ["in"], count: 1 }, asNode: "__start__" }] },
      { updates: [{ values: { log: ["one"], count: 2 }, asNode: "first" }] },
      { updates: [{ command: { update: { log: ["two"], count: 3 } }, asNode: "second" }] },
    ]);
    expect(JSON.parse(write.values?.json ?? "")).toEqual({ log: ["in", "one", "two"], count: 3 });
    expect(write.isThreadInterrupted).toBe(false);
    const history = await runtime.stateReader.readHistory(context, { limit: 10 });
    expect(history.map(({ metadata }) => metadata?.source)).toEqual(["update", "update", "update"]);
    await expect(runtime.stateWriter.applySupersteps(context, fenceOf(context), [])).rejects.toBeInstanceOf(
      BadRequestError,
    );
  });
});
