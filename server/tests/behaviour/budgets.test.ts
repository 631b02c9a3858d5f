// Budgets through the whole server: they warn, they end runs before a call is made, they hold when many run at once, and a cheaper
// model may go on.
import { type ProviderStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { collect } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";

const server = useServer({
  graphs: ["spend"],
  content: {
    auth: { path: "./auth.ts:auth" },
    usage: {
      tenant_field: "role",
      output_tokens_reserved: 50,
      budgets: [
        { per: "user", period: "day", tokens: 1_000 },
        { per: "user", id: "rich", period: "day", tokens: 1_000_000 },
        { per: "thread", tokens: 300, cheaper: { model: "openai:gpt-4o-mini", tokens: 700 } },
        { per: "run", usd: 0.01 },
        { per: "tenant", id: "role-of-poor", period: "month", usd: 0 },
      ],
    },
  },
});
let stub: ProviderStub;
beforeAll(async () => {
  stub = await startOpenAiStub({
    models: ["gpt-4o", "gpt-4o-mini", "in-house-7"].map((id) => ({ id, contextWindowTokens: 100_000 })),
  });
});
afterAll(() => stub.close());
beforeEach(() => stub.script());

const headers = (identity: string) => ({ authorization: `Bearer ${identity}` });
const as = (identity: string): Client =>
  new Client({ apiUrl: server.url, callerOptions: { maxRetries: 0 }, defaultHeaders: headers(identity) });
let people = 0;
/** Somebody nobody has spent anything for. */
const somebody = () => `person-${++people}`;
/** A text of about that many tokens. */
const words = (tokens: number) => "abcd".repeat(tokens);

interface Failure {
  __error__?: { error: string; message: string };
}

async function spend(
  client: Client,
  threadId: string | null,
  tokens: number,
  configurable: object = {},
): Promise<Failure> {
  const result = await client.runs.wait(threadId as string, "spend", {
    input: { messages: [{ role: "user", content: words(tokens) }] },
    config: { configurable: { model_url: stub.url, ...configurable } },
    raiseError: false,
    ...(threadId === null ? { onCompletion: "keep" } : {}),
  } as never);
  return result as Failure;
}

async function budgetsOf(identity: string, threadId?: string) {
  const query = threadId === undefined ? "" : `?thread_id=${threadId}`;
  const response = await fetch(`${server.url}/usage/budgets${query}`, { headers: headers(identity) });
  expect(response.status).toBe(200);
  return (await response.json()) as { per: string; id: string; period: string; tokens: number; tokens_max: number }[];
}

describe("a hard limit", () => {
  test("ends the run before the call is made, with words a client can show; it cost nothing", async () => {
    const who = somebody();
    const mine = as(who);
    const { thread_id } = await mine.threads.create();
    const before = stub.calls.length;
    const { __error__: error } = await spend(mine, thread_id, 400);
    expect(error?.error).toBe("BudgetExceededError");
    expect(error?.message).toMatch(
      /^The budget of thread [0-9a-f-]{36} has no room for this call of gpt-4o \(about 4\d\d tokens\): 0 of 300 tokens are used or reserved\.$/,
    );
    expect(stub.calls.length).toBe(before);
    expect((await mine.threads.get(thread_id)).status).toBe("error");
    expect(await budgetsOf(who, thread_id)).toMatchObject([
      { per: "user", tokens: 0 },
      { per: "thread", tokens: 0 },
    ]);
  });

  test("of a user holds for all threads and runs together, however many call at once", async () => {
    const who = somebody();
    const client = as(who);
    stub.script(() => ({ text: words(40) }));
    const results = await Promise.all(Array.from({ length: 20 }, () => spend(client, null, 100)));
    const refused = results.filter(({ __error__ }) => __error__?.error === "BudgetExceededError");
    const [budget] = await budgetsOf(who);
    expect(budget).toMatchObject({ per: "user", id: who, period: "day", tokens_max: 1_000 });
    // Each call is 107 tokens of prompt and 40 of answer, and sets 50 aside for the answer.
    expect(budget!.tokens).toBe((20 - refused.length) * 147);
    expect(budget!.tokens).toBeLessThanOrEqual(1_000);
    expect(budget!.tokens).toBeGreaterThan(1_000 - 157);
    expect(refused[0]!.__error__!.message).toContain("A new period begins at ");
  });

  test("in money refuses models whose price is unknown", async () => {
    const { __error__: error } = await spend(as(somebody()), null, 10, { models: ["openai:in-house-7"] });
    expect(error).toMatchObject({ error: "PriceUnknownError" });
    expect(error?.message).toContain('"in-house-7"');
  });

  test("of nothing lets nobody of that tenant call, and others are not concerned", async () => {
    const { __error__: error } = await spend(as("poor"), null, 10);
    expect(error?.message).toContain("The budget of tenant role-of-poor for this month");
    expect((await spend(as(somebody()), null, 10)).__error__).toBeUndefined();
  });

  test("for one user takes the place of everybody's", async () => {
    const client = as("rich");
    for (let turn = 0; turn < 6; turn++) expect((await spend(client, null, 200)).__error__).toBeUndefined();
    expect((await budgetsOf("rich"))[0]).toMatchObject({ tokens_max: 1_000_000 });
  });

  test("is kept by calls of one run that are made at once", async () => {
    const client = as("rich");
    const before = stub.calls.length;
    const { __error__: error } = await spend(client, null, 1_000, {
      models: ["openai:gpt-4o"],
      calls: 5,
      outputTokensMax: 10,
    });
    expect(error?.message).toMatch(/^The budget of (run|thread) /);
    expect(stub.calls.length - before).toBeLessThan(5);
  });
});

describe("a cheaper model", () => {
  test("may be called beyond the limit, up to one of its own, by a graph that falls back to it", async () => {
    const client = as(somebody());
    const { thread_id } = await client.threads.create();
    stub.script(() => ({ text: "short" }));
    const settings = { fallback: "openai:gpt-4o-mini" };
    const models = async () => {
      const response = await fetch(`${server.url}/usage/calls?thread_id=${thread_id}`, { headers: headers("root") });
      return ((await response.json()) as { model: string }[]).map(({ model }) => model).reverse();
    };
    for (let turn = 0; turn < 3; turn++)
      expect((await spend(client, thread_id, 90, settings)).__error__).toBeUndefined();
    expect(await models()).toEqual(["gpt-4o", "gpt-4o-mini", "gpt-4o-mini"]);
    const { __error__: error } = await spend(client, thread_id, 400, settings);
    expect(error?.error).toBe("BudgetExceededError");
  });
});

describe("a soft limit", () => {
  test("warns in the stream of the run that crosses it, and in the header of the next", async () => {
    const client = as(somebody());
    const { thread_id } = await client.threads.create();
    stub.script(() => ({ text: words(48) }));
    const payload = {
      input: { messages: [{ role: "user" as const, content: words(190) }] },
      config: { configurable: { model_url: stub.url } },
    };
    const events = await collect(client.runs.stream(thread_id, "spend", { ...payload, streamMode: "updates" }));
    const warnings = events.filter(({ event }) => event === "budget");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.data).toMatchObject({ per: "thread", id: thread_id, period: "total", tokens_max: 300 });
    expect(warnings[0]!.data.message).toMatch(/^8\d % of the budget of thread [0-9a-f-]{36} are used\.$/);
    const response = await fetch(`${server.url}/threads/${thread_id}/runs`, {
      method: "POST",
      headers: { ...headers(`person-${people}`), "content-type": "application/json", origin: "http://app.example" },
      body: JSON.stringify({ assistant_id: "spend", input: { messages: [] } }),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("holdfast-budget-warning")).toMatch(/^\d+ % of the budget of thread /);
    expect(response.headers.get("access-control-expose-headers")).toContain("holdfast-budget-warning");
  });
});

test("nobody sees what others spent, and nobody but root sees all", async () => {
  const [ada, bob] = [somebody(), somebody()];
  await spend(as(ada), null, 10);
  const callsSeenBy = async (who: string) => {
    const response = await fetch(`${server.url}/usage/calls?user_id=${ada}`, { headers: headers(who) });
    return ((await response.json()) as unknown[]).length;
  };
  expect(await callsSeenBy(ada)).toBe(1);
  expect(await callsSeenBy(bob)).toBe(0);
  expect(await callsSeenBy("root")).toBe(1);
  const { thread_id } = await as(ada).threads.create();
  expect((await fetch(`${server.url}/usage/budgets?thread_id=${thread_id}`, { headers: headers(bob) })).status).toBe(
    404,
  );
});
