// `holdfast.concurrency_max` of an assistant from outside: set through the API, it bounds how many of its runs run at once.
import { expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";

const server = useServer({ graphs: ["stubborn"], env: { HOLDFAST_SLOTS: "10" } });

async function createAssistant(metadata: object): Promise<string> {
  const { status, json } = await send("POST", `${server.url}/assistants`, { graph_id: "stubborn", metadata });
  expect(status).toBe(200);
  return json.assistant_id;
}

async function countRunning(assistantId: string): Promise<number> {
  const { rows } = await server.database.pool.query(
    "select count(*)::int as count from run where assistant_id = $1 and status = 'running'",
    [assistantId],
  );
  return rows[0].count;
}

test("no more of its runs are running at once, and all come to their end without a pause in between", async () => {
  const assistantId = await createAssistant({ "holdfast.concurrency_max": 2 });
  const body = { assistant_id: assistantId, input: {}, config: { configurable: { work_ms: 150 } } };
  const startedAtMs = performance.now();
  const waits = Array.from({ length: 8 }, () => send("POST", `${server.url}/runs/wait`, body));
  let isOver = false;
  let runningMax = 0;
  const watching = (async () => {
    while (!isOver) runningMax = Math.max(runningMax, await countRunning(assistantId));
  })();
  const results = await Promise.all(waits);
  isOver = true;
  await watching;
  expect(results.map(({ json }) => json.log)).toEqual(Array(8).fill(["first", "worked"]));
  expect(runningMax).toBe(2);
  // Four rounds of 150 ms; the slow poll (2 s) would take eight seconds.
  expect(performance.now() - startedAtMs).toBeLessThan(6_000);
});

test("it does not mark the runs' own metadata", async () => {
  const assistantId = await createAssistant({ "holdfast.concurrency_max": 2, team: "a" });
  const { json } = await send("POST", `${server.url}/runs`, { assistant_id: assistantId, input: {} });
  expect(json.metadata).toEqual({ team: "a", graph_id: "stubborn", assistant_id: assistantId });
});

test.each([0, -1, 1.5, "3", 1_000_000, true])("%j is refused with what is allowed", async (max) => {
  const metadata = { "holdfast.concurrency_max": max };
  const assistantId = await createAssistant({});
  for (const answer of [
    await send("POST", `${server.url}/assistants`, { graph_id: "stubborn", metadata }),
    await send("PATCH", `${server.url}/assistants/${assistantId}`, { metadata }),
  ]) {
    expect(answer.status).toBe(422);
    expect(answer.json.detail).toContain("must be a whole number from 1 to 100000, or null for no limit");
  }
});
