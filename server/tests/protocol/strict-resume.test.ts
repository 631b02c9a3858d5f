// Strict resume: an answer to a question that does not wait is refused by the run it starts, and the thread stays as it was.
import { randomUUID } from "node:crypto";
import { Client } from "@langchain/langgraph-sdk";
import { expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { rootEnds, sendCommand, TapeReader } from "../harness/tape-reader.ts";

const server = useServer({ graphs: ["ask", "ask_many", "ask_nested"] });
const UNKNOWN = "0123456789abcdef0123456789abcdef";

async function stopAtQuestions(assistantId: string) {
  const threadId = randomUUID();
  const reader = await TapeReader.open(server.url, threadId, { channels: ["lifecycle", "input", "values"] });
  await sendCommand(server.url, threadId, "run.start", { assistant_id: assistantId, input: { answers: [] } });
  const frames = await reader.untilEnds();
  const ids = frames
    .filter(({ method }) => method === "input.requested")
    .map((frame) => frame.params.data.interrupt_id);
  return { threadId, reader, ids: ids as string[] };
}

const threadOf = async (threadId: string) => (await send("GET", `${server.url}/threads/${threadId}`)).json;

test("/info says so", async () => {
  const { json } = await send("GET", `${server.url}/info`);
  expect(json.flags).toMatchObject({ strict_resume: true, stream_namespaces: true });
});

test("input.respond: the run fails with what was named and what waits; the thread waits on and can be answered", async () => {
  for (const assistantId of ["ask_many", "ask_nested"]) {
    const { threadId, reader, ids } = await stopAtQuestions(assistantId);
    await using _ = reader;
    const before = await threadOf(threadId);
    const answer = { namespace: [], interrupt_id: UNKNOWN, response: "x", strict_resume: true };
    const refused = await sendCommand(server.url, threadId, "input.respond", answer);
    expect(refused).toMatchObject({ type: "success", result: { run_id: expect.any(String) } });
    const end = rootEnds(await reader.untilEnds(2)).at(-1)!;
    expect(end.event_id).toBe(`synth:${refused.result.run_id}:lc||failed`);
    expect(end.params.data).toMatchObject({
      event: "failed",
      reason: "not_pending",
      interrupt_ids: [UNKNOWN],
      pending_ids: [...ids].sort(),
    });
    const after = await threadOf(threadId);
    expect([after.status, after.interrupts, after.values, after.error]).toEqual([
      "interrupted",
      before.interrupts,
      before.values,
      before.error,
    ]);
    const responses = ids.map((interrupt_id) => ({ namespace: [], interrupt_id, response: "yes" }));
    await sendCommand(server.url, threadId, "input.respond", { responses, strict_resume: true });
    expect(rootEnds(await reader.untilEnds(3)).at(-1)!.params.data.event).toBe("completed");
    // A second tab that still offers the question.
    await sendCommand(server.url, threadId, "input.respond", { ...responses[0], strict_resume: true });
    const late = rootEnds(await reader.untilEnds(4)).at(-1)!;
    expect(late.params.data).toMatchObject({ event: "failed", reason: "not_pending", pending_ids: [] });
    expect(await threadOf(threadId)).toMatchObject({ status: "idle" });
  }
});

test("Questions asked at once are answered one by one, the others waiting on", async () => {
  const { threadId, reader, ids } = await stopAtQuestions("ask_many");
  await using _ = reader;
  const respond = (interrupt_id: string) =>
    sendCommand(server.url, threadId, "input.respond", { namespace: [], interrupt_id, response: interrupt_id });
  await respond(ids[0]!);
  expect(rootEnds(await reader.untilEnds(2)).at(-1)!.params.data.event).toBe("interrupted");
  expect(Object.values((await threadOf(threadId)).interrupts).flat()).toMatchObject([{ id: ids[1] }]);
  expect(await respond(ids[0]!)).toMatchObject({ error: "no_such_interrupt" });
  await respond(ids[1]!);
  expect(rootEnds(await reader.untilEnds(3)).at(-1)!.params.data.event).toBe("completed");
  const { values } = await threadOf(threadId);
  expect(values.answers.sort()).toEqual([`left: ${ids[0]}`, `right: ${ids[1]}`]);
});

test("strictResume of the first protocol: the run fails with UnknownInterruptError and the thread waits on", async () => {
  const { threadId, reader, ids } = await stopAtQuestions("ask_many");
  await using _ = reader;
  const client = new Client({ apiUrl: server.url, apiKey: null, callerOptions: { maxRetries: 0 } });
  for (const resume of ["one for two questions", { [UNKNOWN]: "x" }]) {
    const run = await client.runs.create(threadId, "ask_many", { command: { resume }, strictResume: true });
    const answer = (await client.runs.join(threadId, run.run_id)) as Record<string, unknown>;
    expect(answer.__error__).toEqual({ error: "UnknownInterruptError", message: expect.any(String) });
    expect((await client.runs.get(threadId, run.run_id)).status).toBe("error");
    const thread = await client.threads.get(threadId);
    expect(thread.status).toBe("interrupted");
    expect(Object.values(thread.interrupts).flat()).toHaveLength(ids.length);
  }
});
