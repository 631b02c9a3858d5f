// F6: the same request many times at once, with and without an idempotency key, and cancels and creates out of order.
import { Client } from "@langchain/langgraph-sdk";
import type { Violation } from "../harness/check-input.ts";
import { checkInvariants } from "../harness/checker.ts";
import { Cluster } from "../harness/cluster.ts";
import { AgentApi, inParallel } from "./agent-runs.ts";
import type { ChaosOptions, ChaosResult, Fault } from "./fault.ts";
import { seededRandom } from "./random.ts";
import { readUserMessages, waitUntilIdle } from "./steps-fault.ts";

const COPIES_MIN = 2;
interface Answer {
  status: number;
  runId: string | undefined;
}

interface Books {
  violations: Violation[];
  acceptedCounts: Map<string, number>;
  copies: number;
  keys: number;
  cancels: number;
}

export const duplicateRequests: Fault = {
  id: "F6",
  title: "duplicated, reordered and concurrent POSTs, with the same idempotency key and without",
  defaults: { runCount: 100, clientCount: 10, workerCount: 2, stepCount: 1, stepMs: 20 },
  run: duplicateMany,
};

async function duplicateMany(options: ChaosOptions): Promise<ChaosResult> {
  const deadlineMs = Date.now() + options.durationMaxMs;
  const random = seededRandom(options.seed);
  await using cluster = await Cluster.start({
    databaseUrl: await options.server.createDatabase(),
    workerCount: options.workerCount,
    apiCount: 2,
  });
  // Copies of one request go to both APIs, which know nothing of each other.
  const post = (index: number, threadId: string, content: string, key?: string) =>
    postRun(cluster.apiUrl(index), threadId, content, options, key);
  const api = new AgentApi(cluster.apiUrl(), {});
  const books: Books = { violations: [], acceptedCounts: new Map(), copies: 0, keys: 0, cancels: 0 };
  await inParallel(options.runCount, options.clientCount, async (index) => {
    const threadId = await api.createThread();
    const copies = random.integer(COPIES_MIN, options.copiesMax);
    books.copies += copies;
    const answers = await Promise.all(range(copies).map((copy) => post(copy, threadId, `copy of ${index}`)));
    books.acceptedCounts.set(threadId, answers.filter(({ status }) => status === 200).length);
    noteServerErrors(answers, books);
    await sendUnderOneKey(post, await api.createThread(), `key ${index}`, copies, books);
    await cancelManyTimes(
      cluster,
      await api.createThread(),
      post,
      random.integer(COPIES_MIN, options.copiesMax),
      books,
    );
  });
  await waitUntilIdle(cluster, deadlineMs);
  const client = new Client({ apiUrl: cluster.apiUrl() });
  for (const [threadId, count] of books.acceptedCounts) {
    const stored = await readUserMessages(client, threadId);
    if (stored.length !== count)
      report(books, `thread ${threadId} holds ${stored.length} messages of ${count} accepted`);
  }
  const checked = await checkInvariants({
    pool: cluster.pool,
    runIds: [],
    effects: [],
    clientLogs: [],
    acceptedMessages: new Map(),
    expectedStatuses: ["success", "interrupted"],
    readUserMessages: async () => [],
  });
  return {
    proofs: { copiesSent: books.copies, cancelsSent: books.cancels, keysUsed: books.keys },
    counts: { runs: [...books.acceptedCounts.values()].reduce((sum, count) => sum + count, 0) },
    violations: [...books.violations, ...checked],
  };
}

type Post = (index: number, threadId: string, content: string, key?: string) => Promise<Answer>;

/** Copies under one key: one run, which every copy that is answered with success names; later copies get the same answer. */
async function sendUnderOneKey(post: Post, threadId: string, content: string, copies: number, books: Books) {
  books.keys++;
  const answers = await Promise.all(range(copies).map((copy) => post(copy, threadId, content, content)));
  const late = await post(1, threadId, content, content);
  const runIds = new Set([...answers, late].flatMap(({ runId }) => runId ?? []));
  if (runIds.size !== 1) report(books, `key "${content}" made ${runIds.size} runs`);
  if (late.status !== 200) report(books, `key "${content}", sent again later, was answered ${late.status}`);
  const strange = answers.filter(({ status }) => status !== 200 && status !== 409);
  if (strange.length > 0) report(books, `a copy under key "${content}" was answered ${strange[0]!.status}`);
  const other = await post(0, threadId, `${content}, but another body`, content);
  if (other.status !== 422) report(books, `key "${content}" with another body was answered ${other.status}, not 422`);
  books.acceptedCounts.set(threadId, 1);
}

/** One run, cancelled by many at once, some before it can have begun and some after it ended. */
async function cancelManyTimes(cluster: Cluster, threadId: string, post: Post, cancels: number, books: Books) {
  const { runId } = await post(0, threadId, "to be cancelled");
  books.cancels += cancels;
  const statuses = await Promise.all(
    range(cancels).map((copy) => new AgentApi(cluster.apiUrl(copy), {}).cancel(threadId, String(runId), "interrupt")),
  );
  const strange = statuses.find((status) => status >= 500);
  if (strange !== undefined) report(books, `a cancel of run ${runId} was answered ${strange}`);
}

async function postRun(
  apiUrl: string,
  threadId: string,
  content: string,
  { stepCount, stepMs }: ChaosOptions,
  key: string | undefined,
): Promise<Answer> {
  const response = await fetch(`${apiUrl}/threads/${threadId}/runs`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key === undefined ? {} : { "idempotency-key": key }) },
    body: JSON.stringify({
      assistant_id: "steps",
      // Each copy is a message of its own: the same id would make later ones replace the first.
      input: { messages: [{ role: "user", content }] },
      config: { configurable: { steps: stepCount, stepMs } },
      multitask_strategy: "enqueue",
    }),
  });
  const body = (await response.json()) as { run_id?: string };
  return { status: response.status, runId: body.run_id };
}

function noteServerErrors(answers: Answer[], books: Books): void {
  const strange = answers.find(({ status }) => status !== 200);
  if (strange !== undefined) report(books, `a copy was answered ${strange.status}`);
}

function report(books: Books, detail: string): void {
  books.violations.push({ invariant: "F6", detail });
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
