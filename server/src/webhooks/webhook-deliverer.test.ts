// Delivery from the outbox of a real PostgreSQL to a real receiver: acknowledged, failing, silent, gone, crashed, many.
import type { lookup as systemLookup } from "node:dns";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { mintId } from "../domain/ids.ts";
import type { WebhookRules } from "../domain/webhook.ts";
import { createLogger } from "../observability/logger.ts";
import { createMetrics } from "../observability/metrics.ts";
import { createReport } from "../observability/report.ts";
import { openTestDatabase, type TestDatabase } from "../postgres/testing/test-database.ts";
import { PostgresWebhookDeliveryRepository } from "../postgres/webhook-delivery-repository.ts";
import { insertDeliveriesFor } from "../postgres/webhook-sql.ts";
import { retryDelayMs, WEBHOOK_LIMITS, type WebhookLimits } from "./limits.ts";
import { WebhookDeliverer } from "./webhook-deliverer.ts";
import { WebhookPolicy } from "./webhook-policy.ts";
import { startReceiver, type WebhookReceiver } from "./webhook-receiver.fixture.ts";
import { WebhookSender } from "./webhook-sender.ts";

const RULES: WebhookRules = {
  isEnabled: true,
  allowedDomains: undefined,
  allowedPorts: undefined,
  isHttpsRequired: false,
  isLoopbackAllowed: true,
  isPrivateAllowed: false,
  isOwnPathAllowed: false,
  urlCharsMax: 4_096,
};
const QUICK: WebhookLimits = { ...WEBHOOK_LIMITS, timeoutMs: 5_000, attemptMax: 4, retryFirstMs: 10, stopGraceMs: 50 };

let database: TestDatabase;
let deliveries: PostgresWebhookDeliveryRepository;
let receiver: WebhookReceiver;
beforeAll(async () => {
  database = await openTestDatabase();
  deliveries = new PostgresWebhookDeliveryRepository(database.pool);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query("truncate webhook_delivery, run");
  receiver = await startReceiver();
  onTestFinished(() => receiver[Symbol.asyncDispose]());
});

/** Ends `count` runs that ask for the webhook, in the words of the statements that do. */
async function endRuns(webhook: string, count = 1): Promise<void> {
  const kwargs = {
    graphId: "agent",
    config: { configurable: {} },
    streamMode: ["values"],
    webhook,
    isTemporary: false,
  };
  await database.pool.query(
    `insert into run (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy, started_at)
     select gen_random_uuid(), gen_random_uuid(), $1, 'running', $2, 'enqueue', now() from generate_series(1, $3)`,
    [mintId(), JSON.stringify(kwargs), count],
  );
  await database.pool.query(
    `with ended as (update run set status = 'success', ended_at = now() where status = 'running' returning *)
     ${insertDeliveriesFor("ended")}`,
  );
}

function createDeliverer(
  options: { limits?: Partial<WebhookLimits>; rules?: Partial<WebhookRules>; lookup?: typeof systemLookup } = {},
) {
  const limits = { ...QUICK, ...options.limits };
  const metrics = createMetrics();
  const deliverer = new WebhookDeliverer({
    deliveries,
    policy: new WebhookPolicy({ ...RULES, ...options.rules }),
    sender: new WebhookSender({ socketsMax: limits.inFlightMax, ...(options.lookup && { lookup: options.lookup }) }),
    limits,
    headers: { "x-from": "holdfast", "webhook-id": "forged" },
    userAgent: "Holdfast/test",
    presentRun: ({ runId, metadata }) => ({ run_id: runId, metadata }),
    readValues: async () => ({ count: 1 }),
    report: createReport(createLogger({ level: "silent" }), metrics),
  });
  onTestFinished(() => deliverer[Symbol.asyncDispose]());
  return deliverer;
}

async function rows(): Promise<{ delivery_id: string; status: string; attempt: number; last_error: string | null }[]> {
  return (await database.pool.query("select * from webhook_delivery")).rows;
}

/** Takes turns until no notice is waiting. */
async function deliverAll(deliverer: WebhookDeliverer): Promise<void> {
  const isAnyPending = async () => (await rows()).some(({ status }) => status === "pending");
  while (await isAnyPending()) {
    await deliverer.takeTurn();
    await deliverer.settle();
  }
}

test("a notice carries the run, its times, the values and its id", async () => {
  await endRuns(`${receiver.url}/hook?a=1`);
  await deliverAll(createDeliverer());
  const [row] = await rows();
  expect(row).toMatchObject({ status: "delivered", attempt: 1, last_error: null });
  expect(receiver.notices).toHaveLength(1);
  const { id, path, headers, body } = receiver.notices[0]!;
  expect([id, path]).toEqual([row!.delivery_id, "/hook?a=1"]);
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "user-agent": "Holdfast/test",
    "x-from": "holdfast",
    "webhook-timestamp": expect.stringMatching(/^\d{10}$/),
  });
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
  expect(body).toEqual({
    run_id: expect.any(String),
    metadata: {},
    status: "success",
    run_started_at: time,
    run_ended_at: time,
    webhook_sent_at: time,
    values: { count: 1 },
    error: null,
  });
});

test.each([
  ["500", 500],
  ["404", 404],
  ["a redirect, which is not followed", 302],
])("%s is tried again under the same id until it is acknowledged", async (_name, status) => {
  receiver.answer = (_notice, response) => {
    const isFirst = receiver.notices.length < 3;
    response.writeHead(isFirst ? status : 204, isFirst ? { location: `${receiver.url}/elsewhere` } : {}).end();
  };
  await endRuns(`${receiver.url}/hook`);
  await deliverAll(createDeliverer());
  expect((await rows())[0]).toMatchObject({ status: "delivered", attempt: 3 });
  expect(receiver.notices.map(({ path }) => path)).toEqual(["/hook", "/hook", "/hook"]);
  expect(new Set(receiver.notices.map(({ id }) => id)).size).toBe(1);
});

test("a receiver that never answers, answers half, or is not there is given up after the last attempt", async () => {
  receiver.answer = (notice, response) => {
    if (notice.path === "/half") response.destroy();
  };
  await endRuns(`${receiver.url}/silent`);
  await endRuns(`${receiver.url}/half`);
  await endRuns("http://127.0.0.1:1/");
  await deliverAll(createDeliverer({ limits: { timeoutMs: 150 } }));
  const ended = await rows();
  expect(ended.map(({ status, attempt }) => [status, attempt])).toEqual([
    ["failed", 4],
    ["failed", 4],
    ["failed", 4],
  ]);
  expect(ended.map(({ last_error }) => last_error).sort()).toEqual([
    "The receiver could not be reached: ECONNREFUSED.",
    "The receiver could not be reached: ECONNRESET.",
    "The receiver did not answer in time.",
  ]);
});

test("an answer whose body never ends is an answer", async () => {
  receiver.answer = (_notice, response) => {
    response.writeHead(200).write("first bytes");
  };
  await endRuns(receiver.url);
  await deliverAll(createDeliverer());
  expect((await rows())[0]).toMatchObject({ status: "delivered", attempt: 1 });
});

test("410 ends it at once, Retry-After is kept to", async () => {
  receiver.answer = ({ path }, response) => {
    response.writeHead(path === "/gone" ? 410 : 503, { "retry-after": "120" }).end();
  };
  await endRuns(`${receiver.url}/gone`);
  await endRuns(`${receiver.url}/busy`);
  const deliverer = createDeliverer();
  await deliverer.takeTurn();
  await deliverer.settle();
  const { rows: found } = await database.pool.query(
    "select url, status, extract(epoch from available_at - now())::float8 as wait from webhook_delivery order by url",
  );
  expect(found[0]).toMatchObject({ status: "pending", url: `${receiver.url}/busy` });
  expect(found[0].wait).toBeGreaterThan(110);
  expect(found[1]).toMatchObject({ status: "failed", url: `${receiver.url}/gone` });
});

test("a process that dies between sending and writing it down makes another send the same again", async () => {
  await endRuns(receiver.url);
  // The claim and the request of a process that is then killed; nothing is marked.
  const [claimed] = await deliveries.claimDeliveries({ countMax: 1, leaseMs: 60_000 });
  const post = { method: "POST", headers: { "webhook-id": claimed!.deliveryId }, body: "{}" };
  await fetch(receiver.url, post);
  expect(await deliveries.claimDeliveries({ countMax: 1, leaseMs: 60_000 })).toEqual([]);
  // The minute passes.
  await database.pool.query("update webhook_delivery set available_at = available_at - interval '1 minute'");
  await deliverAll(createDeliverer());
  expect(receiver.notices.map(({ id }) => id)).toEqual([claimed!.deliveryId, claimed!.deliveryId]);
  // Should the first process live after all, its word comes too late.
  await deliveries.retryDelivery(claimed!, 0, "late");
  expect((await rows())[0]).toMatchObject({ status: "delivered", attempt: 2, last_error: null });
});

test("a stopping process breaks off and leaves the notice to others, at once", async () => {
  receiver.answer = () => {};
  await endRuns(receiver.url);
  const deliverer = createDeliverer({ limits: { timeoutMs: 10_000 } });
  await deliverer.takeTurn();
  await expect.poll(() => receiver.notices.length).toBe(1);
  await deliverer[Symbol.asyncDispose]();
  expect(await deliverer.takeTurn()).toBe(false);
  receiver.answer = (_notice, response) => response.end();
  await deliverAll(createDeliverer());
  expect(receiver.notices).toHaveLength(2);
  expect((await rows())[0]).toMatchObject({ status: "delivered", attempt: 2 });
});

test("a burst goes out once each, through two processes at a time", async () => {
  const count = 1_000;
  await endRuns(receiver.url, count);
  const [one, two] = [
    createDeliverer({ limits: { timeoutMs: 10_000 } }),
    createDeliverer({ limits: { timeoutMs: 10_000 } }),
  ];
  let most = 0;
  let now = 0;
  receiver.answer = (_notice, response) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      response.end();
    }, 2);
  };
  await Promise.all([deliverAll(one), deliverAll(two)]);
  expect(receiver.notices).toHaveLength(count);
  expect(new Set(receiver.notices.map(({ id }) => id)).size).toBe(count);
  expect(most).toBeLessThanOrEqual(2 * QUICK.inFlightMax);
  expect(most).toBeGreaterThan(10);
});

test("what may not be reached is never connected to", async () => {
  const { port } = new URL(receiver.url);
  await endRuns(`http://localhost:${port}/`);
  await endRuns(`http://rebound.test:${port}/`);
  // The name is harmless until it is looked up.
  const lookup = ((_name: string, _options: object, callback: (error: null, found: object[]) => void) => {
    callback(null, [{ address: "127.0.0.1", family: 4 }]);
  }) as unknown as typeof systemLookup;
  await deliverAll(createDeliverer({ rules: { isLoopbackAllowed: false }, lookup }));
  expect(receiver.notices).toEqual([]);
  expect((await rows()).map(({ status, attempt }) => [status, attempt])).toEqual([
    ["failed", 1],
    ["failed", 1],
  ]);
});

test("the address that was checked is the one connected to", async () => {
  const { port } = new URL(receiver.url);
  let lookups = 0;
  const lookup = ((_name: string, _options: object, callback: (error: null, found: object[]) => void) => {
    lookups++;
    callback(null, [
      { address: "10.255.255.1", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ]);
  }) as unknown as typeof systemLookup;
  await endRuns(`http://mixed.test:${port}/`);
  await deliverAll(createDeliverer({ lookup, limits: { timeoutMs: 5_000 } }));
  expect(receiver.notices[0]!.headers.host).toBe(`mixed.test:${port}`);
  expect(lookups).toBe(1);
});

test("waits grow threefold up to an hour, and old notices are deleted only when ended", async () => {
  const waits = [1, 2, 3, 4, 12].map((attempt) => retryDelayMs(WEBHOOK_LIMITS, attempt, () => 0.5));
  expect(waits).toEqual([1_000, 3_000, 9_000, 27_000, 3_600_000]);
  await endRuns(receiver.url);
  await deliverAll(createDeliverer());
  await endRuns(receiver.url);
  await database.pool.query("update webhook_delivery set created_at = now() - interval '1 hour'");
  expect(await deliveries.deleteEndedDeliveries(2 * 3_600_000, 10)).toBe(0);
  expect(await deliveries.deleteEndedDeliveries(1_000, 10)).toBe(1);
  expect((await rows()).map(({ status }) => status)).toEqual(["pending"]);
});
