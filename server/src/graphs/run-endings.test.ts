// How runs end other than well: errors of the graph, limits, cancel, drain, a lost lease, a graph that cannot be loaded.
import { describe, expect, it } from "vitest";
import { DatabaseUnavailableError, LeaseLostError } from "../domain/errors.ts";
import { DyingSaver } from "./testing/dying-saver.ts";
import {
  claimAgain,
  claimNext,
  claimRun,
  createTestRuntime,
  type Execution,
  execute,
} from "./testing/execution-harness.ts";

async function readAborted(): Promise<Set<string>> {
  const module: { aborted: Set<string> } = await import("./testing-graphs/faulty.ts");
  return module.aborted;
}

describe("a run that fails", () => {
  it("ends its stream with the error and keeps the state of the steps before", async () => {
    const runtime = createTestRuntime(["faulty:throwing"]);
    const { outcome, events } = await execute(runtime, claimRun("faulty:throwing", { input: { count: 0 } }));
    expect(outcome.status).toBe("error");
    expect(outcome.error).toEqual({ error: "PaymentError", message: "card refused" });
    expect(events.at(-1)).toEqual({ event: "error", data: { error: "PaymentError", message: "card refused" } });
    expect(outcome.values?.json).toBe('{"count":1}');
  });

  it("shows a failed task in the thread's state", async () => {
    const runtime = createTestRuntime(["faulty:throwing"]);
    const claimed = claimRun("faulty:throwing", { input: { count: 0 } });
    await execute(runtime, claimed);
    const context = { threadId: claimed.run.threadId, graphId: "faulty:throwing", config: {} };
    const state = await runtime.stateReader.readState(context, undefined, { subgraphs: false });
    expect(state.next).toEqual(["pay"]);
    expect(state.tasks[0]).toMatchObject({ name: "pay", error: "card refused", interrupts: [], result: null });
  });

  it("respects the recursion limit of the run", async () => {
    const runtime = createTestRuntime(["faulty:endless"]);
    const claimed = claimRun("faulty:endless", { input: { count: 0 }, config: { recursionLimit: 5 } });
    const { outcome } = await execute(runtime, claimed);
    expect(outcome.error?.error).toBe("GraphRecursionError");
    expect(outcome.error?.message).toMatch(/Recursion limit of 5 reached/);
  });

  it("says so when the graph cannot be loaded", async () => {
    const runtime = createTestRuntime(["faulty:nothing"]);
    const { outcome, events } = await execute(runtime, claimRun("faulty:nothing", { input: {} }));
    expect(outcome).toMatchObject({ status: "error", error: { error: "GraphLoadError" } });
    expect(events).toHaveLength(1);
  });

  it("passes on that persistence failed, which is no error of the graph", async () => {
    const saver = new DyingSaver();
    saver.put = () => Promise.reject(new DatabaseUnavailableError("connection refused"));
    const runtime = createTestRuntime(["faulty:slow"], saver);
    const failing = execute(runtime, claimRun("faulty:slow", { input: { count: 0 } }));
    await expect(failing).rejects.toBeInstanceOf(DatabaseUnavailableError);
  });

  it("passes on a lost lease, even when the graph failed as well", async () => {
    const saver = new DyingSaver();
    saver.dieBefore(
      (write) => write.kind === "putWrites" && write.args[1].some(([channel]) => channel === "__error__"),
    );
    const runtime = createTestRuntime(["faulty:throwing"], saver);
    const failing = execute(runtime, claimRun("faulty:throwing", { input: { count: 0 } }));
    await expect(failing).rejects.toBeInstanceOf(LeaseLostError);
    expect(saver.deaths).toBe(1);
  });
});

describe("a run whose worker lost its lease", () => {
  it("stops at once instead of working on for nothing", async () => {
    const saver = new DyingSaver();
    saver.dieBefore((write) => write.kind === "put" && write.args[2].step === 1);
    const runtime = createTestRuntime(["faulty:stubborn"], saver);
    const lost = execute(runtime, claimRun("faulty:stubborn", { input: { count: 0 } }));
    await expect(lost).rejects.toBeInstanceOf(LeaseLostError);
    expect(saver.deaths).toBe(1);
  });
});

describe("a cancelled run", () => {
  it.each([["values"], ["events", "values"]] as const)(
    "ends although a node heeds no signal (%s)",
    async (...streamMode) => {
      const runtime = createTestRuntime(["faulty:stubborn"]);
      const controller = new AbortController();
      const claimed = claimRun("faulty:stubborn", { input: { count: 0 }, streamMode: [...streamMode] });
      const { outcome } = await execute(runtime, claimed, {
        signal: controller.signal,
        onEvent: ({ data }) => data === '{"count":1}' && setTimeout(() => controller.abort(), 10),
      });
      expect(outcome).toMatchObject({ status: "cancelled", values: { json: '{"count":1}' } });
    },
  );

  it("stops its nodes, writes nothing more and ends without an error event", async () => {
    const saver = new DyingSaver();
    const runtime = createTestRuntime(["faulty:waiting"], saver);
    const claimed = claimRun("faulty:waiting", { input: { count: 0 } });
    const controller = new AbortController();
    const { outcome, events } = await execute(runtime, claimed, {
      signal: controller.signal,
      onEvent: ({ data }) => data === '{"count":1}' && controller.abort(),
    });
    expect(outcome).toMatchObject({ status: "cancelled", error: null, isThreadInterrupted: false, interrupts: {} });
    expect(outcome.values?.json).toBe('{"count":1}');
    expect(events.map(({ event }) => event)).toEqual(["values", "values"]);
    await expect.poll(async () => (await readAborted()).has(claimed.run.threadId)).toBe(true);
    const after = await saver.getTuple({ configurable: { thread_id: claimed.run.threadId, checkpoint_ns: "" } });
    expect(after?.checkpoint.id).toBe(outcome.values?.checkpointId);
    expect(after?.pendingWrites).toEqual([]);
  });

  it("does not start when it was cancelled before", async () => {
    const runtime = createTestRuntime(["faulty:slow"]);
    const signal = AbortSignal.abort();
    const { outcome, events } = await execute(runtime, claimRun("faulty:slow", { input: { count: 0 } }), { signal });
    expect(outcome.status).toBe("cancelled");
    expect(events).toEqual([]);
  });

  it("leaves the thread waiting when a human was asked before", async () => {
    const runtime = createTestRuntime(["interrupts:single"]);
    const asked = claimRun("interrupts:single", { input: {} });
    await execute(runtime, asked);
    const signal = AbortSignal.abort();
    const { outcome } = await execute(runtime, claimNext(asked, { command: { resume: "x" } }), { signal });
    expect(outcome).toMatchObject({ status: "cancelled", isThreadInterrupted: true });
  });
});

function updatesOf({ events }: Execution): unknown[] {
  return events.filter(({ event }) => event === "updates").map(({ data }) => data);
}

describe("a draining worker", () => {
  it("stops behind the running step, and the next worker goes on from there", async () => {
    const runtime = createTestRuntime(["faulty:slow"]);
    const claimed = claimRun("faulty:slow", { input: { count: 0 }, streamMode: ["tasks", "updates"] });
    const drain = new AbortController();
    const first = await execute(runtime, claimed, {
      drainSignal: drain.signal,
      onEvent: ({ event }) => event === "tasks" && drain.abort(),
    });
    expect(first.outcome).toMatchObject({ status: "drained", error: null });
    expect(updatesOf(first)).toEqual([{ one: { count: 1 } }]);
    const second = await execute(runtime, claimAgain(claimed));
    expect(second.outcome).toMatchObject({ status: "success", values: { json: '{"count":3}' } });
    expect(updatesOf(second)).toEqual([{ two: { count: 2 } }, { three: { count: 3 } }]);
  });
});
