// `npm run demo`: a conversation, a kill -9 in the middle of a run, a restart, and the proof that nothing was lost.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@langchain/langgraph-sdk";
import { type ReceivedEvent, startedGroup } from "./demo/server-group.ts";
import { startSink } from "./harness/sink.ts";

const STEP_COUNT = 8;
const STEP_MS = 350;
const KILL_AFTER_STEP = 3;
const TURNS = [
  "Hello, who are you?",
  "What is 1.1 + 2.2, and 12 * 7?",
  "What time is it in Tokyo?",
  "Remember that my flight leaves on Friday.",
];

const startedAtMs = Date.now();
const problems: string[] = [];

function say(text: string): void {
  console.log(`${((Date.now() - startedAtMs) / 1000).toFixed(1).padStart(5)} s  ${text}`);
}

function check(isTrue: boolean, problem: string): void {
  if (!isTrue) problems.push(problem);
}

async function converse(client: Client, threadId: string): Promise<void> {
  for (const text of TURNS) {
    say(`you      ${text}`);
    let answer = "";
    let tokenCount = 0;
    const stream = client.runs.stream(threadId, "assistant", {
      input: { messages: [{ role: "user", content: text }] },
      streamMode: ["messages-tuple", "updates"],
    });
    for await (const { event, data } of stream) {
      if (event === "messages") {
        const [chunk] = data as unknown as [{ type: string; content: unknown }];
        if (chunk.type === "ai" && typeof chunk.content === "string") {
          answer += chunk.content;
          if (chunk.content !== "") tokenCount++;
        }
      }
      if (event === "updates") reportTools(data as Record<string, { messages?: ToolMessage[] }>);
    }
    say(`agent    ${answer}  (${tokenCount} chunks streamed)`);
    check(tokenCount > 1, `the answer to "${text}" was not streamed`);
  }
}

interface ToolMessage {
  type: string;
  name?: string;
  content: unknown;
}

function reportTools(update: Record<string, { messages?: ToolMessage[] } | null>): void {
  for (const part of Object.values(update)) {
    for (const message of part?.messages ?? []) {
      if (message.type === "tool") say(`tool     ${message.name}: ${String(message.content)}`);
    }
  }
}

/** Follows the run; resolves when the connection breaks or the stream ends. */
async function follow(
  url: string,
  run: { threadId: string; runId: string },
  received: ReceivedEvent[],
  onStep: (step: number) => void,
): Promise<void> {
  const client = new Client({ apiUrl: url, callerOptions: { maxRetries: 0 } });
  const stream = client.runs.joinStream(run.threadId, run.runId, { lastEventId: received.at(-1)?.id ?? "-1" });
  for await (const event of stream) {
    received.push({ id: String(event.id), event: event.event });
    const { step } = (event.data ?? {}) as { step?: number };
    if (event.event === "custom" && step !== undefined) onStep(step);
  }
}

async function main(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "holdfast-demo-"));
  await using sink = await startSink();
  say("starting holdfast on an embedded PostgreSQL ...");
  let server = await startedGroup(dataDir);
  const client = new Client({ apiUrl: server.url });
  try {
    say(`ready at ${server.url}; talking to it with the official @langchain/langgraph-sdk`);
    const conversation = await client.threads.create();
    await converse(client, conversation.thread_id);

    say(`now a run of ${STEP_COUNT} steps, each with an effect on an outside service`);
    const thread = await client.threads.create();
    const run = await client.runs.create(thread.thread_id, "steps", {
      input: { messages: [{ role: "user", content: "do the work" }] },
      config: { configurable: { steps: STEP_COUNT, stepMs: STEP_MS, sinkUrl: sink.url } },
      streamMode: ["custom", "updates"],
      streamResumable: true,
    });
    const target = { threadId: thread.thread_id, runId: run.run_id };
    const received: ReceivedEvent[] = [];
    let isKilled = false;
    await follow(server.url, target, received, (step) => {
      say(`step ${step}`);
      if (step === KILL_AFTER_STEP && !isKilled) {
        isKilled = true;
        say("kill -9: the server and its workers die in the middle of the run");
        server.killAll();
      }
    }).catch(() => undefined);
    check(isKilled, "the server was not killed in the middle of the run");
    await server.exited;
    check(
      (await fetch(`${server.url}/ok`).catch(() => undefined)) === undefined,
      "the server still answers after kill -9",
    );
    const seenBefore = received.length;

    say("starting it again ...");
    const restartedAtMs = Date.now();
    server = await startedGroup(dataDir, server.port);
    say(`ready again after ${Date.now() - restartedAtMs} ms; rejoining with Last-Event-ID ${received.at(-1)?.id}`);
    let resumedAfterMs: number | undefined;
    await follow(server.url, target, received, (step) => {
      resumedAfterMs ??= Date.now() - restartedAtMs;
      say(`step ${step}`);
    });
    check(received.length > seenBefore, "no event arrived after the restart");
    say(`first resumed event ${resumedAfterMs} ms after the restart began`);

    const ended = await client.runs.get(target.threadId, target.runId);
    check(ended.status === "success", `the run ended ${ended.status}`);
    const ids = received.map((event) => event.id).join(",");
    check(ids === received.map((_, index) => String(index)).join(","), `event ids have gaps or repeats: ${ids}`);
    await checkTranscripts(client, conversation.thread_id, target, sink.effects);
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function checkTranscripts(
  client: Client,
  conversationId: string,
  run: { threadId: string; runId: string },
  effects: { key: string }[],
): Promise<void> {
  const work = await client.threads.getState<{ messages: { type: string; content: string }[] }>(run.threadId);
  const transcript = work.values.messages.map((message) => message.content);
  console.log(`\ntranscript of the killed run:\n${transcript.map((line) => `  ${line}`).join("\n")}\n`);
  const expected = ["do the work", ...Array.from({ length: STEP_COUNT }, (_, index) => `step ${index + 1}`)];
  check(JSON.stringify(transcript) === JSON.stringify(expected), "the transcript lost or doubled a message");
  for (let step = 1; step <= STEP_COUNT; step++) {
    const count = effects.filter((effect) => effect.key === `${run.runId}:${step}`).length;
    // The step that was cut off may have reached the service before it was recorded; the completed ones may not be repeated.
    const isCutOff = step === KILL_AFTER_STEP || step === KILL_AFTER_STEP + 1;
    check(count === 1 || (isCutOff && count === 2), `step ${step} reached the outside service ${count} times`);
    if (count === 2)
      say(`step ${step} was cut off before it was recorded and ran again, with the same idempotency key`);
  }
  const talk = await client.threads.getState<{ messages: { type: string; content: string }[] }>(conversationId);
  const asked = talk.values.messages.filter((message) => message.type === "human").map((message) => message.content);
  check(JSON.stringify(asked) === JSON.stringify(TURNS), "the conversation lost or doubled a message over the restart");
  say(`the conversation still holds all ${asked.length} messages of yours, in order`);
}

await main();
if (problems.length > 0) {
  console.error(`\nNOT AS PROMISED:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  process.exitCode = 1;
} else {
  console.log(
    "\nAll checks passed: no message lost or doubled, no completed step repeated, the stream resumed without a gap.",
  );
}
