// The event protocol over server-sent events: what a run puts on its thread's tape, and how the tape is read.
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { useServer } from "../harness/sdk-test.ts";
import { rootEnds, sendCommand, summary, TapeReader } from "../harness/tape-reader.ts";

const server = useServer({ graphs: ["agent", "nested", "ask", "ask_many", "ask_nested", "failing", "steps", "writer"] });

const EVERYTHING = [
  "values",
  "updates",
  "messages",
  "tools",
  "lifecycle",
  "input",
  "checkpoints",
  "tasks",
  "custom",
];

function says(text: string) {
  return { assistant_id: "agent", input: { messages: [{ type: "human", content: text, id: randomUUID() }] } };
}

test("A stream opened before the thread exists gets everything of its first run, in the protocol's order", async () => {
  const threadId = randomUUID();
  await using reader = await TapeReader.open(server.url, threadId, { channels: EVERYTHING });
  const started = await sendCommand(server.url, threadId, "run.start", says("hello there"));
  console.log(JSON.stringify(started));
  const frames = await reader.untilEnds();
  console.log(summary(frames).join("\n"));
  console.log(frames.map((f) => JSON.stringify(f)).join("\n"));
  expect(started).toMatchObject({ type: "success", id: 1, result: { run_id: expect.any(String) } });
  expect(rootEnds(frames)).toHaveLength(1);
});
