// Runs that stop for a human and go on by a command, through both lines of the official client.
import { expect } from "vitest";
import { collect, namesOf } from "../harness/sdk-lines.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human, textsOf } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "ask", "ask_many", "ask_nested", "ask_sequence"] });
const interrupts = sdkTests(server, "an interrupt");

const start = { input: { answers: [] } };

interface Waiting {
  answers: string[];
  __interrupt__: { id: string; value: unknown }[];
}

interrupts("leaves a successful run, an interrupted thread, and its question in the answer", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const answer = (await client.runs.wait(thread_id, "ask", start)) as unknown as Waiting;
  expect(answer).toEqual({
    answers: ["before"],
    __interrupt__: [{ id: expect.any(String), value: { question: "name?" } }],
  });
  const [run] = await client.runs.list(thread_id);
  expect(run!.status).toBe("success");
  expect(await client.runs.join(thread_id, run!.run_id)).toEqual(answer);
  const thread = await client.threads.get(thread_id);
  expect(thread).toMatchObject({ status: "interrupted", values: { answers: ["before"] } });
  expect(thread.values).not.toHaveProperty("__interrupt__");
  expect(Object.values(thread.interrupts)).toEqual([answer.__interrupt__]);
});

interrupts("is in the thread's state as soon as a stream tells of it", async ({ client }) => {
  for (let round = 0; round < 15; round++) {
    const { thread_id } = await client.threads.create();
    for await (const { event, data } of client.runs.stream(thread_id, "ask", { ...start, streamMode: "updates" })) {
      if (event !== "updates" || !("__interrupt__" in (data as object))) continue;
      const state = await client.threads.getState(thread_id);
      expect(state.next).toEqual(["ask"]);
      expect(state.tasks[0]!.interrupts).toHaveLength(1);
    }
  }
});

interrupts("is answered by a command, once, without repeating what was done", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "ask", start);
  const done = await client.runs.wait(thread_id, "ask", { command: { resume: { name: "Ann" } } });
  expect(done).toEqual({ answers: ["before", 'asked: {"name":"Ann"}', "after"] });
  expect(await client.threads.get(thread_id)).toMatchObject({ status: "idle", interrupts: {} });
});

interrupts("is answered with values that are false, zero or empty", async ({ client }) => {
  for (const resume of [false, 0, ""]) {
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, "ask", start);
    const done = await client.runs.wait(thread_id, "ask", { command: { resume } });
    expect(done).toEqual({ answers: ["before", `asked: ${JSON.stringify(resume)}`, "after"] });
  }
});

interrupts("is one of several, which are answered by their ids, together or one by one", async ({ client }) => {
  for (const together of [true, false]) {
    const { thread_id } = await client.threads.create();
    const first = (await client.runs.wait(thread_id, "ask_many", start)) as unknown as Waiting;
    expect(first.__interrupt__.map(({ value }) => value).sort()).toEqual(["left?", "right?"]);
    const idOf = (value: string) => first.__interrupt__.find((each) => each.value === value)!.id;
    const left = { [idOf("left?")]: "L" };
    const right = { [idOf("right?")]: "R" };
    if (together) {
      await client.runs.wait(thread_id, "ask_many", { command: { resume: { ...left, ...right } } });
    } else {
      const half = (await client.runs.wait(thread_id, "ask_many", {
        command: { resume: right },
      })) as unknown as Waiting;
      expect(half.__interrupt__.map(({ value }) => value)).toEqual(["left?"]);
      expect((await client.threads.get(thread_id)).status).toBe("interrupted");
      await client.runs.wait(thread_id, "ask_many", { command: { resume: left } });
    }
    const { values } = await client.threads.getState<{ answers: string[] }>(thread_id);
    expect(values.answers).toEqual(["left: L", "right: R"]);
    expect((await client.threads.get(thread_id)).status).toBe("idle");
  }
});

interrupts("follows another in the same node", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "ask_sequence", start);
  const second = await client.runs.wait(thread_id, "ask_sequence", { command: { resume: "one" } });
  expect((second as unknown as Waiting).__interrupt__).toMatchObject([{ value: "second?" }]);
  expect(await client.runs.wait(thread_id, "ask_sequence", { command: { resume: "two" } })).toEqual({
    answers: ["one two"],
  });
});

interrupts("in a subgraph is seen from outside and answered there", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const first = (await client.runs.wait(thread_id, "ask_nested", start)) as unknown as Waiting;
  expect(first.__interrupt__).toMatchObject([{ value: "deep?" }]);
  const state = await client.threads.getState(thread_id, undefined, { subgraphs: true });
  expect(state.tasks[0]!.interrupts).toMatchObject([{ value: "deep?" }]);
  expect(state.tasks[0]!.state).toMatchObject({ next: ["ask"], values: { answers: ["prepared"] } });
  const resume = { [first.__interrupt__[0]!.id]: "yes" };
  expect(await client.runs.wait(thread_id, "ask_nested", { command: { resume } })).toEqual({
    answers: ["prepared", "deep: yes", "after"],
  });
});

interrupts("at a breakpoint before or after a node goes on without a command", async ({ client }) => {
  for (const where of [{ interruptBefore: ["tool"] }, { interruptAfter: ["agent"] }, { interruptBefore: "*" }]) {
    const { thread_id } = await client.threads.create();
    const options = { input: human("look up it"), ...where } as object;
    const items = await collect(client.runs.stream(thread_id, "agent", options));
    expect(namesOf(items)).not.toContain("error");
    const thread = await client.threads.get(thread_id);
    expect(thread.status).toBe("interrupted");
    expect(Object.values(thread.interrupts)).toEqual([[]]);
    await client.runs.wait(thread_id, "agent", { input: null });
    expect(textsOf(await client.threads.getState(thread_id)).at(-1)).toBe("You said: found it");
    expect((await client.threads.get(thread_id)).status).toBe("idle");
  }
});

interrupts("of a breakpoint is hit again by a run that names it again", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "agent", { input: human("look up it"), interruptBefore: ["agent"] });
  expect((await client.threads.getState(thread_id)).next).toEqual(["agent"]);
  await client.runs.wait(thread_id, "agent", { input: null, interruptBefore: ["agent"] });
  const state = await client.threads.getState(thread_id);
  expect(state.next).toEqual(["agent"]);
  expect(textsOf(state)).toEqual(["look up it", "", "found it"]);
});

interrupts("makes room for an update of the state by its command", async ({ client }) => {
  for (const update of [{ answers: ["noted"] }, [["answers", ["noted"]]] as [string, unknown][]]) {
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, "ask", start);
    const done = await client.runs.wait(thread_id, "ask", { command: { resume: "x", update } as never });
    expect((done as unknown as Waiting).answers).toEqual(expect.arrayContaining(["before", "noted", "after"]));
  }
});

interrupts("can be left by going elsewhere", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "ask", start);
  const command = { goto: "after", update: { answers: ["skipped"] } };
  const done = (await client.runs.wait(thread_id, "ask", { command })) as unknown as Waiting;
  expect(done.answers).toEqual(expect.arrayContaining(["before", "skipped", "after"]));
  const sent = { goto: { node: "after", input: { answers: [] } } };
  const again = (await client.runs.wait(thread_id, "ask", { command: sent as never })) as unknown as Waiting;
  expect(again.answers.filter((answer) => answer === "after").length).toBeGreaterThanOrEqual(2);
});

interrupts("that was cancelled is not taken for one that waits", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const config = { configurable: { token_ms: 30_000 } };
  const run = await client.runs.create(thread_id, "agent", { input: human("hi"), config });
  await expect.poll(() => client.runs.get(thread_id, run.run_id).then((r) => r.status)).toBe("running");
  await client.runs.cancel(thread_id, run.run_id, true);
  const thread = await client.threads.get(thread_id);
  expect(thread.interrupts).toEqual({});
  expect(["idle", "interrupted"]).toContain(thread.status);
});
