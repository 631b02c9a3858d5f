// Workers are killed before, in the middle of and after a tool's effect: an idempotent one is repeated with the same key, any other is
// put to a person, and one that finished is not carried out again.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { untilRun } from "../harness/run-status.ts";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";
import { type ServerProcess, startWorker } from "../harness/server-process.ts";
import { type Effect, type Sink, startSink } from "../harness/sink.ts";

interface Told extends Effect {
  order: string;
  key?: string;
}

const api = useServer({
  graphs: ["effect_once", "effect_idempotent", "effect_agent"],
  roles: { api: true, worker: false },
});
let sink: Sink;
beforeAll(async () => {
  sink = await startSink();
});
afterAll(() => sink[Symbol.asyncDispose]());

const connect = () => SDK_LINES[0]!.connect(api.url);
const told = (order: string, phase: string): Told[] =>
  (sink.effects as Told[]).filter((effect) => effect.order === order && effect.phase === phase);

function startTestWorker(isHolding: boolean): Promise<ServerProcess> {
  const env = { DATABASE_URL: api.database.url, HOLDFAST_TEST_HOLD: isHolding ? "1" : "0" };
  return startWorker({ env });
}

/** Starts a payment, kills its worker at the phase, and lets another worker take over to whatever end. */
async function killAt(graphId: string, phase: string, durability: "async" | "exit" = "async") {
  const order = randomUUID();
  const client = connect();
  const { thread_id: threadId } = await client.threads.create();
  await using first = await startTestWorker(true);
  const run = await client.runs.create(threadId, graphId, {
    input: graphId === "effect_agent" ? { messages: [{ role: "user", content: order }] } : { order },
    config: { configurable: { sink_url: sink.url, hold_at: phase } },
    durability,
  });
  await sink.waitFor((effect) => (effect as Told).order === order && effect.phase === phase);
  await first.kill("SIGKILL");
  const second = await startTestWorker(false);
  await untilRun(client, run, "success");
  const resume = async (decision: unknown) => {
    await client.runs.wait(threadId, graphId, {
      command: { resume: decision },
      config: { configurable: { sink_url: sink.url } },
    });
  };
  const read = () => client.threads.get(threadId);
  return { order, threadId, second, resume, read, client, graphId };
}

const readEffects = async (threadId: string) =>
  (
    await api.database.pool.query<{ status: string; attempt: number; result: string | null }>(
      "select status, attempt, result from tool_effect where thread_id = $1",
      [threadId],
    )
  ).rows;

describe("an idempotent tool", () => {
  test.each(["before", "effect"])("killed at %s is repeated with the same key", async (phase) => {
    const { order, threadId, second, read } = await killAt("effect_idempotent", phase);
    await using _second = second;
    expect((await read()).values).toMatchObject({ outcome: `paid ${order}` });
    const keys = told(order, "before").map(({ key }) => key);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBeTruthy();
    expect(keys[1]).toBe(keys[0]);
    expect(await readEffects(threadId)).toMatchObject([{ status: "finished", attempt: 2 }]);
  });
});

describe("any other tool", () => {
  test("killed before or in the middle of its effect is put to a person, and never repeated by itself", async () => {
    const { order, threadId, second, resume, read } = await killAt("effect_once", "effect");
    await using _second = second;
    const stopped = await read();
    expect(stopped.status).toBe("interrupted");
    const [question] = Object.values(stopped.interrupts).flat();
    expect(question!.value).toMatchObject({ type: "unknown_effect", tool: "pay", args: { order } });
    expect(told(order, "effect")).toHaveLength(1);
    expect(await readEffects(threadId)).toMatchObject([{ status: "unknown" }]);
    // What is no decision is asked again.
    await resume("yes please");
    expect((await read()).status).toBe("interrupted");
    expect(told(order, "effect")).toHaveLength(1);
    await resume({ action: "done", result: "paid by hand" });
    expect((await read()).values).toMatchObject({ outcome: "paid by hand" });
    expect(told(order, "effect")).toHaveLength(1);
    expect(await readEffects(threadId)).toMatchObject([{ status: "finished" }]);
  });

  test("is repeated with the same key where the person says so", async () => {
    const { order, threadId, second, resume, read } = await killAt("effect_once", "before");
    await using _second = second;
    expect(told(order, "effect")).toHaveLength(0);
    await resume({ action: "retry" });
    expect((await read()).values).toMatchObject({ outcome: `paid ${order}` });
    expect(told(order, "effect")).toHaveLength(1);
    const keys = told(order, "before").map(({ key }) => key);
    expect(keys[1]).toBe(keys[0]);
    expect(await readEffects(threadId)).toMatchObject([{ status: "finished", attempt: 2 }]);
  });

  test("broken off again after such an answer is asked about again: no answer counts twice", async () => {
    const { order, threadId, second, read, client, graphId, resume } = await killAt("effect_once", "effect");
    await second.kill("SIGKILL");
    await using third = await startTestWorker(true);
    const run = await client.runs.create(threadId, graphId, {
      command: { resume: { action: "retry" } },
      config: { configurable: { sink_url: sink.url, hold_at: "effect" } },
    });
    await expect.poll(() => told(order, "effect").length, { timeout: 15_000 }).toBe(2);
    await third.kill("SIGKILL");
    await using _fourth = await startTestWorker(false);
    await untilRun(client, run, "success");
    expect((await read()).status).toBe("interrupted");
    expect(told(order, "effect")).toHaveLength(2);
    await resume({ action: "skip" });
    expect((await read()).status).toBe("idle");
    expect(told(order, "effect")).toHaveLength(2);
    expect(await readEffects(threadId)).toMatchObject([{ status: "skipped" }]);
  });

  test("is known again by a run that keeps no checkpoints on its way and starts over", async () => {
    const { order, second, resume, read } = await killAt("effect_once", "effect", "exit");
    await using _second = second;
    expect((await read()).status).toBe("interrupted");
    expect(told(order, "effect")).toHaveLength(1);
    await resume({ action: "skip" });
    expect((await read()).status).toBe("idle");
    expect(told(order, "effect")).toHaveLength(1);
  });

  test("that finished is not carried out again when its node is", async () => {
    const { order, threadId, second, read } = await killAt("effect_once", "after");
    await using _second = second;
    expect((await read()).values).toMatchObject({ outcome: `paid ${order}` });
    expect(told(order, "effect")).toHaveLength(1);
    expect(told(order, "after")).toHaveLength(2);
    expect(await readEffects(threadId)).toMatchObject([{ status: "finished", attempt: 1 }]);
  });

  test("in an agent's tool loop is put to a person, whose word becomes the tool's message", async () => {
    const { order, second, resume, read } = await killAt("effect_agent", "effect");
    await using _second = second;
    const stopped = await read();
    expect(stopped.status).toBe("interrupted");
    expect(Object.values(stopped.interrupts).flat()[0]!.value).toMatchObject({ tool: "pay", args: { order } });
    await resume({ action: "done", result: "receipt 7" });
    const { messages } = (await read()).values as {
      messages: { type: string; content: string; tool_call_id?: string }[];
    };
    expect(messages.map(({ type }) => type)).toEqual(["human", "ai", "tool", "ai"]);
    expect(messages[2]).toMatchObject({ content: "receipt 7", tool_call_id: "call-1" });
    expect(messages[3]!.content).toBe("Result: receipt 7");
    expect(told(order, "effect")).toHaveLength(1);
  });
});
