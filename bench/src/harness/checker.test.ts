// The checker itself is checked: each invariant is broken on purpose, in rows, effects or logs, and must be reported.

import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { seededRandom } from "../chaos/random.ts";
import { readUserMessages, waitUntilIdle } from "../chaos/steps-fault.ts";
import type { CheckInput } from "./check-input.ts";
import { checkInvariants } from "./checker.ts";
import { Cluster } from "./cluster.ts";
import { type DatabaseServer, openDatabaseServer } from "./database.ts";
import { startSink } from "./sink.ts";
import { runStepsLoad } from "./steps-workload.ts";

let server: DatabaseServer;
let cluster: Cluster;
let input: CheckInput;

/** A copy of what a faultless load left behind, to be spoilt. */
let spoilt: CheckInput;

beforeAll(async () => {
  server = await openDatabaseServer();
  cluster = await Cluster.start({ databaseUrl: await server.createDatabase(), workerCount: 1 });
  await using sink = await startSink();
  const deadlineMs = Date.now() + 50_000;
  const load = { runCount: 4, turnsPerThread: 2, clientCount: 2, stepCount: 2, stepMs: 10 };
  const random = seededRandom(1);
  const record = await runStepsLoad({ apiUrl: () => cluster.apiUrl(), sinkUrl: sink.url, load, random, deadlineMs });
  await waitUntilIdle(cluster, deadlineMs);
  const client = new Client({ apiUrl: cluster.apiUrl() });
  input = {
    pool: cluster.pool,
    runIds: record.runs.map(({ runId }) => runId),
    effects: sink.effects,
    clientLogs: record.logs,
    acceptedMessages: record.acceptedMessages,
    readUserMessages: (threadId) => readUserMessages(client, threadId),
  };
}, 90_000);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  const clientLogs = input.clientLogs.map((log) => ({ ...log, events: [...log.events] }));
  spoilt = { ...input, effects: [...input.effects], clientLogs, acceptedMessages: new Map(input.acceptedMessages) };
});

async function violated(): Promise<string[]> {
  return [...new Set((await checkInvariants(spoilt)).map(({ invariant }) => invariant))];
}

/** Changes rows behind the audit's back, looks, and puts them back. */
async function violatedWith(change: string, values: unknown[], undo: string): Promise<string[]> {
  await changeUnseen(change, values);
  try {
    return await violated();
  } finally {
    await changeUnseen(undo);
  }
}

/** Without triggers: the audit must not learn of it. */
async function changeUnseen(change: string, values: unknown[] = []): Promise<void> {
  const client = await cluster.pool.connect();
  try {
    await client.query("set session_replication_role = replica");
    await client.query(change, values);
  } finally {
    await client.query("reset session_replication_role");
    client.release();
  }
}

it("finds nothing wrong with a faultless load", async () => {
  expect(await checkInvariants(spoilt)).toEqual([]);
  expect(spoilt.effects).toHaveLength(8);
});

it("I1: a run that never ended, failed, or is gone", async () => {
  const [runId] = spoilt.runIds;
  const restore = `update run set status = 'success' where run_id = '${runId}'`;
  expect(await violatedWith("update run set status = 'running' where run_id = $1", [runId], restore)).toContain("I1");
  expect(await violatedWith("update run set status = 'error' where run_id = $1", [runId], restore)).toEqual(["I1"]);
  spoilt.runIds = [...spoilt.runIds, "00000000-0000-7000-8000-000000000000"];
  expect(await violated()).toEqual(["I1"]);
});

it("I2: an effect after its step was recorded, too often, or never", async () => {
  const [first] = spoilt.effects;
  spoilt.effects.push({ ...first!, atMs: Date.now() });
  expect(await violated()).toEqual(["I2"]);
  spoilt.effects = [first!, ...input.effects];
  expect(await violated()).toEqual(["I2"]);
  spoilt.effects = input.effects.slice(1);
  expect(await violated()).toEqual(["I2"]);
});

it("I2: forgives the late effect of a worker that was frozen, but not of others", async () => {
  const [first] = spoilt.effects;
  await changeUnseen("update run set attempt = 2 where run_id = $1", [first!.key.split(":")[0]]);
  spoilt.effects.push({ ...first!, atMs: Date.now(), sender: "frozen" });
  expect(await violated()).toEqual(["I2"]);
  spoilt.staleSenders = new Set(["frozen"]);
  expect(await violated()).toEqual([]);
});

it("I3: a forked history, and a lost parent", async () => {
  const fork = `insert into checkpoint (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, body, metadata)
    select thread_id, checkpoint_ns, '0-fork', parent_checkpoint_id, body, '{}' from checkpoint
    where parent_checkpoint_id is not null limit 1`;
  expect(await violatedWith(fork, [], "delete from checkpoint where checkpoint_id = '0-fork'")).toEqual(["I3"]);
  const orphan = `insert into checkpoint (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, body, metadata)
    values (gen_random_uuid(), '', 'child', 'nobody', '', '{}')`;
  expect(await violatedWith(orphan, [], "delete from checkpoint where checkpoint_id = 'child'")).toEqual(["I3"]);
});

it("I4: a write by a process that does not hold the run, and an epoch that does not grow", async () => {
  const [runId] = spoilt.runIds;
  // As a worker that lost its lease would, past the fence and with the triggers watching.
  await cluster.pool.query("insert into run_event (run_id, seq, event, data) values ($1, 9999, 'custom', '{}')", [
    runId,
  ]);
  await changeUnseen("delete from run_event where seq = 9999");
  expect(await violated()).toEqual(["I4"]);
  await cluster.pool.query("delete from audit_stray_write");
  const again = `insert into audit_run (run_id, thread_id, old_status, status, epoch)
    select run_id, thread_id, 'pending', 'running', 0 from run where run_id = $1`;
  expect(await violatedWith(again, [runId], "delete from audit_run where epoch = 0")).toEqual(["I4"]);
});

it("I4: two runs of a thread at once", async () => {
  const overlap = `insert into audit_run (run_id, thread_id, old_status, status, epoch)
    select run_id, thread_id, 'pending', 'running', 100 + row_number() over (order by run_id) from run
    where thread_id = (select thread_id from run where run_id = $1)`;
  expect(await violatedWith(overlap, spoilt.runIds.slice(0, 1), "delete from audit_run where epoch > 100")).toEqual([
    "I4",
  ]);
});

it("I5: a missing event, a repeated one, a lost tail, and a stream that never ended", async () => {
  const [log] = spoilt.clientLogs;
  const whole = [...log!.events];
  log!.events = whole.filter((_, index) => index !== 1);
  expect(await violated()).toEqual(["I5"]);
  log!.events = [...whole.slice(0, 2), ...whole.slice(1)];
  expect(await violated()).toEqual(["I5"]);
  log!.events = whole.slice(0, -1);
  expect(await violated()).toEqual(["I5"]);
  log!.events = whole;
  log!.isEnded = false;
  expect(await violated()).toEqual(["I5"]);
});

it("I6: a lost message, a foreign one, and two in the wrong order", async () => {
  const [threadId, accepted] = [...spoilt.acceptedMessages][0]!;
  for (const wrong of [[...accepted, "lost"], accepted.slice(1), [...accepted].reverse()]) {
    spoilt.acceptedMessages.set(threadId, wrong);
    expect(await violated()).toEqual(["I6"]);
  }
});

it("I6: forgives a message whose request got no answer, once", async () => {
  const [threadId, accepted] = [...spoilt.acceptedMessages][0]!;
  spoilt.acceptedMessages.set(threadId, accepted.slice(0, 1));
  spoilt.uncertainMessages = new Set(accepted.slice(1));
  expect(await violated()).toEqual([]);
  spoilt.readUserMessages = async (id) => [
    ...(await input.readUserMessages(id)),
    ...(id === threadId ? accepted.slice(1) : []),
  ];
  expect(await violated()).toEqual(["I6"]);
});

it("I7: a thread left busy, and one with a wrong count", async () => {
  const restore = "update thread set status = 'idle', active_count = 0";
  expect(await violatedWith("update thread set status = 'busy'", [], restore)).toEqual(["I7"]);
  expect(await violatedWith("update thread set active_count = 1", [], restore)).toEqual(["I7"]);
});

it("I9: an ended run with a webhook and no delivery", async () => {
  const set = `update run set kwargs = kwargs || '{"webhook": "http://127.0.0.1/"}'`;
  expect(await violatedWith(set, [], "update run set kwargs = kwargs - 'webhook'")).toEqual(["I9"]);
});
