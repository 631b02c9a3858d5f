// Many clients on one thread with every strategy and cancels at random: one conversation in one piece comes out of it.
import { expect, test } from "vitest";
import { type RunKey, untilRun } from "../harness/run-status.ts";
import { SDK_LINES, type SdkClient } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";

const CLIENTS = 40;
const STRATEGIES = ["enqueue", "interrupt", "rollback", "reject"] as const;

const server = useServer({ graphs: ["agent", "steps"] });

/** Repeatable choices; the seed is in the test's name. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Sent {
  text: string;
  run: RunKey | undefined;
}

async function sendAll(client: SdkClient, threadId: string, random: (below: number) => number): Promise<Sent[]> {
  const clients = Array.from({ length: CLIENTS }, async (_, index): Promise<Sent> => {
    const text = `message ${index}`;
    const strategy = STRATEGIES[random(STRATEGIES.length)]!;
    const cancel = random(4) === 0 ? (["interrupt", "rollback"] as const)[random(2)] : undefined;
    const config = { configurable: { token_ms: random(3) * 5 } };
    await new Promise((resolve) => setTimeout(resolve, random(400)));
    const run = await client.runs
      .create(threadId, "agent", {
        input: { messages: [{ role: "user", content: text, id: `m${index}` }] },
        multitaskStrategy: strategy,
        config,
      })
      .catch((error: Error) => {
        if (strategy === "reject" && error.message.startsWith("HTTP 409")) return undefined;
        throw error;
      });
    if (run !== undefined && cancel !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, random(60)));
      await client.runs.cancel(threadId, run.run_id, random(2) === 0, cancel).catch((error: Error) => {
        // Another client's rollback may have removed it.
        if (!error.message.startsWith("HTTP 404")) throw error;
      });
    }
    return { text, run };
  });
  return Promise.all(clients);
}

test.each([11, 22, 33])(
  "forty clients at once, seed %i",
  async (seed) => {
    const client = SDK_LINES[0]!.connect(server.url);
    const { thread_id: threadId } = await client.threads.create();
    const sent = await sendAll(client, threadId, makeRandom(seed));
    const status = () => client.threads.get(threadId).then((thread) => thread.status);
    await expect.poll(status, { timeout: 20_000, interval: 50 }).not.toBe("busy");

    const runs = await client.runs.list(threadId, { limit: 1_000 });
    expect(runs.filter((run) => !["success", "interrupted"].includes(run.status))).toEqual([]);
    const ids = new Set(sent.flatMap(({ run }) => (run === undefined ? [] : [run.run_id])));
    expect(runs.every((run) => ids.has(run.run_id))).toBe(true);

    const history = await client.threads.getHistory(threadId, { limit: 1_000 });
    const parents = history.map(({ parent_checkpoint }) => parent_checkpoint?.checkpoint_id ?? "none");
    expect(new Set(parents).size).toBe(parents.length);
    const left = new Set(runs.map((run) => run.run_id));
    expect(history.filter(({ metadata }) => !left.has(String(metadata?.run_id)))).toEqual([]);

    const { values } = await client.threads.getState<{ messages: { type: string; content: string }[] }>(threadId);
    const messages = values.messages ?? [];
    const humans = messages.filter(({ type }) => type === "human").map(({ content }) => content);
    expect(new Set(humans).size).toBe(humans.length);
    const survivors = new Set(sent.filter(({ run }) => run && left.has(run.run_id)).map(({ text }) => text));
    expect(humans.filter((text) => !survivors.has(text))).toEqual([]);
    for (const run of runs.filter((each) => each.status === "success")) {
      const { text } = sent.find((each) => each.run?.run_id === run.run_id)!;
      expect(messages.map(({ content }) => content)).toContain(`You said: ${text}`);
    }
    // A thread whose every run was rolled back has no values, and an empty state.
    expect((await client.threads.get(threadId)).values ?? {}).toEqual(values);
  },
  60_000,
);

test("a cancel at any moment of a run leaves a thread that goes on", async () => {
  const client = SDK_LINES[0]!.connect(server.url);
  for (let delayMs = 0; delayMs < 60; delayMs += 3) {
    const { thread_id } = await client.threads.create();
    const action = delayMs % 2 === 0 ? "interrupt" : "rollback";
    const run = await client.runs.create(thread_id, "steps", {
      input: {},
      config: { configurable: { steps: 4, step_ms: 8 } },
    });
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await client.runs.cancel(thread_id, run.run_id, true, action);
    const found = await client.runs.get(thread_id, run.run_id).catch(() => undefined);
    if (found === undefined) expect(action).toBe("rollback");
    else expect(["success", "interrupted"]).toContain(found.status);
    expect((await client.threads.get(thread_id)).status).not.toBe("busy");
    const next = await client.runs.create(thread_id, "steps", {
      input: {},
      config: { configurable: { steps: 1, step_ms: 0 } },
    });
    await untilRun(client, next, "success");
  }
}, 60_000);
