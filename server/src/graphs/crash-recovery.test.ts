// What a run does when its worker died and another one claims it: nothing twice, nothing lost.
import { describe, expect, it } from "vitest";
import { LeaseLostError } from "../domain/errors.ts";
import type { ClaimedRun } from "../domain/ports/run-queue.ts";
import type { GraphRuntime } from "./graph-runtime.ts";
import { DyingSaver, type Write } from "./testing/dying-saver.ts";
import { claimAgain, claimNext, claimRun, createTestRuntime, execute } from "./testing/execution-harness.ts";

const COUNTER = "counter:graph";
const SINGLE = "interrupts:single";
const SEQUENCE = "interrupts:sequence";
const NESTED = "interrupts:nested";
const PARALLEL = "interrupts:parallel";

function isPutOfStep(step: number) {
  return (write: Write) => write.kind === "put" && write.args[2].step === step;
}

function writesChannel(channel: string) {
  return (write: Write) => write.kind === "putWrites" && write.args[1].some(([name]) => name === channel);
}

/** Executes until the saver dies, then hands the storage to the next process. */
async function crash(runtime: GraphRuntime, saver: DyingSaver, claimed: ClaimedRun): Promise<ClaimedRun> {
  const deaths = saver.deaths;
  await expect(execute(runtime, claimed)).rejects.toBeInstanceOf(LeaseLostError);
  expect(saver.deaths).toBe(deaths + 1);
  saver.revive();
  return claimAgain(claimed);
}

function parse(json: string | undefined): unknown {
  return JSON.parse(json ?? "null");
}

async function readExecutions(file: string, threadId: string): Promise<string[]> {
  const module: { executions: string[] } = await import(`./testing-graphs/${file}.ts`);
  return module.executions.filter((entry) => entry.startsWith(threadId)).map((entry) => entry.split(":")[1] ?? "");
}

describe("a run claimed again", () => {
  it("continues behind the last finished step and does not apply its input again", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([COUNTER], saver);
    const claimed = claimRun(COUNTER, { input: { log: ["in"], count: 0 } });
    saver.dieBefore(isPutOfStep(2));
    const again = await crash(runtime, saver, claimed);
    const { outcome } = await execute(runtime, again);
    expect(parse(outcome.values?.json)).toEqual({ log: ["in", "first", "second"], count: 2 });
    const executed = await readExecutions("counter", claimed.run.threadId);
    expect(executed.filter((node) => node === "first")).toHaveLength(1);
  });

  it("starts from the input when nothing was saved", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([COUNTER], saver);
    const claimed = claimRun(COUNTER, { input: { log: ["in"], count: 0 } });
    saver.dieBefore(() => true);
    const again = await crash(runtime, saver, claimed);
    const { outcome } = await execute(runtime, again);
    expect(parse(outcome.values?.json)).toEqual({ log: ["in", "first", "second"], count: 2 });
  });

  it("continues its own branch instead of forking the same checkpoint again", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([COUNTER], saver);
    const first = claimRun(COUNTER, { input: { log: ["in"], count: 0 } });
    await execute(runtime, first);
    const context = { threadId: first.run.threadId, graphId: COUNTER, config: {} };
    const history = await runtime.stateReader.readHistory(context, { limit: 10 });
    const base = history.find((state) => state.next[0] === "second");
    const fork = claimNext(first, {
      input: { log: ["forked"] },
      checkpoint: { checkpointId: base?.checkpoint?.checkpointId ?? "" },
    });
    saver.dieBefore((write) => write.kind === "put" && write.args[2].source === "loop");
    const again = await crash(runtime, saver, fork);
    const { outcome } = await execute(runtime, again);
    expect(parse(outcome.values?.json)).toMatchObject({ log: ["in", "first", "forked", "first", "second"] });
    const after = await runtime.stateReader.readHistory(context, { limit: 20 });
    const children = after.filter(
      (state) =>
        state.parentCheckpoint?.checkpointId === base?.checkpoint?.checkpointId &&
        state.metadata?.run_id === fork.run.runId,
    );
    expect(children).toHaveLength(1);
  });
});

describe("a run claimed again whose worker had stopped", () => {
  it("does not go past a breakpoint at which the lost worker had stopped", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([COUNTER], saver);
    for (const breakpoint of [{ interruptBefore: ["second"] }, { interruptAfter: ["first"] }]) {
      const claimed = claimRun(COUNTER, { input: { count: 0 }, ...breakpoint });
      await execute(runtime, claimed);
      const { outcome, events } = await execute(runtime, claimAgain(claimed));
      expect(outcome).toMatchObject({ status: "success", isThreadInterrupted: true });
      expect(Object.values(outcome.interrupts)).toEqual([[]]);
      expect(events.at(-1)).toEqual({ event: "values", data: { __interrupt__: [] } });
      expect(await readExecutions("counter", claimed.run.threadId)).toEqual(["first"]);
      const resumed = await execute(runtime, claimNext(claimed, { input: null }));
      expect(resumed.outcome.isThreadInterrupted).toBe(false);
      expect(await readExecutions("counter", claimed.run.threadId)).toEqual(["first", "second"]);
    }
  });

  it("runs nothing again when everything was done, and gives the same result", async () => {
    const runtime = createTestRuntime([COUNTER], new DyingSaver());
    const claimed = claimRun(COUNTER, { input: { count: 0 } });
    const before = await execute(runtime, claimed);
    const { outcome } = await execute(runtime, claimAgain(claimed));
    expect(outcome).toMatchObject({ status: "success", values: before.outcome.values, isThreadInterrupted: false });
    expect(await readExecutions("counter", claimed.run.threadId)).toEqual(["first", "second"]);
  });

  it("starts over when it saves nothing before its end", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([SINGLE], saver);
    const claimed = claimRun(SINGLE, { input: {}, durability: "exit" });
    saver.dieBefore(() => true);
    const again = await crash(runtime, saver, claimed);
    const { outcome } = await execute(runtime, again);
    expect(outcome).toMatchObject({
      status: "success",
      isThreadInterrupted: true,
      values: { json: '{"answers":["prepared"]}' },
    });
    const done = await execute(runtime, claimNext(claimed, { command: { resume: "Ada" } }));
    expect(parse(done.outcome.values?.json)).toEqual({ answers: ["prepared", "Ada", "done"] });
  });

  it("does not ask again when the lost worker had stopped at an interrupt", async () => {
    const runtime = createTestRuntime([SINGLE], new DyingSaver());
    const claimed = claimRun(SINGLE, { input: {} });
    const before = await execute(runtime, claimed);
    const { outcome } = await execute(runtime, claimAgain(claimed));
    expect(outcome.interrupts).toEqual(before.outcome.interrupts);
    expect(outcome.isThreadInterrupted).toBe(true);
    expect(await readExecutions("interrupts", claimed.run.threadId)).toEqual(["prepare", "ask"]);
  });
});

describe("a resume claimed again", () => {
  it("keeps the answer when the worker died before the step was saved", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([SINGLE], saver);
    const asked = claimRun(SINGLE, { input: {} });
    await execute(runtime, asked);
    const resume = claimNext(asked, { command: { resume: "Ada" } });
    saver.dieBefore(writesChannel("answers"));
    const { outcome } = await execute(runtime, await crash(runtime, saver, resume));
    expect(parse(outcome.values?.json)).toEqual({ answers: ["prepared", "Ada", "done"] });
    expect(outcome.isThreadInterrupted).toBe(false);
  });

  it("goes on behind the answered step when that was saved", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([SINGLE], saver);
    const asked = claimRun(SINGLE, { input: {} });
    await execute(runtime, asked);
    const resume = claimNext(asked, { command: { resume: "Ada" } });
    saver.dieBefore(isPutOfStep(3));
    const { outcome } = await execute(runtime, await crash(runtime, saver, resume));
    expect(parse(outcome.values?.json)).toEqual({ answers: ["prepared", "Ada", "done"] });
    const executed = await readExecutions("interrupts", asked.run.threadId);
    expect(executed.filter((node) => node === "ask")).toHaveLength(2);
  });

  it("does not give one answer to two questions", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([SEQUENCE], saver);
    const asked = claimRun(SEQUENCE, { input: {} });
    await execute(runtime, asked);
    const first = claimNext(asked, { command: { resume: "yes" } });
    await execute(runtime, first);
    // The end of that run was not recorded: it is claimed again with its answer already used.
    const again = await execute(runtime, claimAgain(first));
    expect(again.outcome.isThreadInterrupted).toBe(true);
    expect(Object.values(again.outcome.interrupts)[0]?.[0]?.value).toBe("second?");
    await execute(runtime, claimNext(asked, { command: { resume: "yes" } }));
    const last = await execute(runtime, claimNext(asked, { command: { resume: "no" } }));
    expect(parse(last.outcome.values?.json)).toEqual({ answers: ["yes", "yes", "no"] });
  });

  it("does not take the answer to a subgraph's question for that to its next one", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([NESTED], saver);
    const asked = claimRun(NESTED, { input: {} });
    await execute(runtime, asked);
    const resume = claimNext(asked, { command: { resume: "yes" } });
    saver.dieBefore(writesChannel("__interrupt__"));
    const { outcome } = await execute(runtime, await crash(runtime, saver, resume));
    expect(outcome.isThreadInterrupted).toBe(true);
    expect(Object.values(outcome.interrupts).flat()).toMatchObject([{ value: "second?" }]);
    const done = await execute(runtime, claimNext(asked, { command: { resume: "no" } }));
    expect(parse(done.outcome.values?.json)).toEqual({ answers: ["yes", "no"] });
    const executed = await readExecutions("interrupts", asked.run.threadId);
    expect(executed).toEqual(["one", "one", "work"]);
  });

  it("gives only the unused answers of several", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime([PARALLEL], saver);
    const asked = claimRun(PARALLEL, { input: {} });
    const { outcome: waiting } = await execute(runtime, asked);
    const ids = Object.fromEntries(
      Object.values(waiting.interrupts).map(([interrupt]) => [String(interrupt?.value), String(interrupt?.id)]),
    );
    const resume = claimNext(asked, { command: { resume: { [ids["left?"] ?? ""]: "L", [ids["right?"] ?? ""]: "R" } } });
    let outputs = 0;
    saver.dieBefore((write) => {
      if (writesChannel("answers")(write)) outputs += 1;
      return outputs === 2;
    });
    const { outcome } = await execute(runtime, await crash(runtime, saver, resume));
    expect(parse(outcome.values?.json)).toEqual({ answers: ["left L", "right R"] });
  });
});
