// How a contestant is spoken to: a turn of a conversation, turns put in at once, the state of a thread.
import { randomUUID } from "node:crypto";

const HEADERS = { "content-type": "application/json" };
/** Messages of one seeding request; small enough for every contestant's limit on a body. */
const SEED_TURNS_PER_REQUEST = 250;
const WORDS =
  "please tell me when my order will arrive because nobody was at home on the day that was promised and the shop does not answer its telephone at all";

/** A question of 25 words or so, never twice the same. */
export function writeQuestion(number: number): string {
  const words = WORDS.split(" ");
  const from = number % words.length;
  return `${number}: ${[...words.slice(from), ...words.slice(0, from)].slice(0, 24).join(" ")}`;
}

/** One turn, waited for. Returns the answer's text unparsed: a long thread's would cost the client as much as the server. */
export async function runTurn(
  url: string,
  turn: { threadId: string; graphId: string; question: string },
): Promise<string> {
  const response = await fetch(`${url}/threads/${turn.threadId}/runs/wait`, {
    method: "POST",
    headers: HEADERS,
    body: JSON.stringify({
      assistant_id: turn.graphId,
      if_not_exists: "create",
      input: { messages: [{ role: "user", content: turn.question }] },
    }),
  });
  const text = await response.text();
  if (!response.ok || text.includes('"__error__"')) {
    throw new Error(`a turn failed: ${response.status} ${text.slice(0, 300)}`);
  }
  return text;
}

/** A thread that already holds `turns` turns of realistic size, written as the graph's own state. */
export async function seedThread(url: string, turns: number, threadId: string = randomUUID()): Promise<string> {
  await post(`${url}/threads`, { thread_id: threadId, if_exists: "do_nothing", metadata: { graph_id: "instant" } });
  await appendTurns(url, threadId, 0, turns);
  return threadId;
}

/** Appends turns to a thread without running them. */
export async function appendTurns(url: string, threadId: string, from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += SEED_TURNS_PER_REQUEST) {
    const count = Math.min(SEED_TURNS_PER_REQUEST, to - start);
    const messages = Array.from({ length: count }, (_, index) => [
      { type: "human", id: randomUUID(), content: writeQuestion(start + index) },
      { type: "ai", id: randomUUID(), content: writeAnswer(start + index) },
    ]).flat();
    await post(`${url}/threads/${threadId}/state`, { values: { messages }, as_node: "answer" });
  }
}

/** As long as the answers of the graph `conversation`. */
function writeAnswer(number: number): string {
  return Array.from({ length: 6 }, (_, index) => writeQuestion(number * 7 + index * 5)).join(" ");
}

/** Reads a thread's state and returns how long it took and how many characters came. */
export async function readState(url: string, threadId: string): Promise<{ latencyMs: number; chars: number }> {
  const startedAtMs = performance.now();
  const response = await fetch(`${url}/threads/${threadId}/state`);
  const text = await response.text();
  if (!response.ok) throw new Error(`state: ${response.status} ${text.slice(0, 300)}`);
  return { latencyMs: performance.now() - startedAtMs, chars: text.length };
}

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, { method: "POST", headers: HEADERS, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text.slice(0, 300)}`);
}
