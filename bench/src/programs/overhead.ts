// What durability costs: runs per second and latency of an instant two-node graph, side by side with the graph called in-process
// (official PostgresSaver, same database server) and with the in-memory dev server; on fresh threads, or on long ones.
import { randomUUID } from "node:crypto";
import { Agent, setGlobalDispatcher } from "undici";
import { writeChart } from "../charts/write-chart.ts";
import { type Contestant, type ContestantName, startContestant } from "../contestants/contestant.ts";
import { runTurn, seedThread } from "../contestants/conversation.ts";
import { type Conditions, describeConditions, summariseConditions } from "../harness/conditions.ts";
import { openDatabaseServer } from "../harness/database.ts";
import { type Latencies, round, runClients } from "../harness/measure.ts";
import { printTable, writeResult } from "../harness/result.ts";
import type { ProgramOptions } from "./program-options.ts";

interface Sample {
  contestant: ContestantName;
  clients: number;
  round: number;
  perSecond: number;
  latencies: Latencies;
}

interface Plan {
  names: ContestantName[];
  clientCounts: number[];
  runCount: number;
  rounds: number;
  /** Turns that each thread holds before; 0 means a fresh thread for each run. */
  turn: number;
}

/** The dev server picks a run up after half a second, so one client of it needs few samples. */
const DEV_SERVER_SINGLE_COUNT_MAX = 20;
const SINGLE_COUNT_MAX = 200;
const WARM_UP_COUNT = 200;

/** `--clients 1,50 --runs 1000 --rounds 3 --contestants holdfast,in-process --turn 500` */
export async function overhead(options: ProgramOptions): Promise<void> {
  const turn = options.number("turn", 0);
  const plan: Plan = {
    turn,
    names: options.list("contestants", "holdfast,holdfast-start,in-process,dev-server") as ContestantName[],
    clientCounts: options.list("clients", turn === 0 ? "1,10,50,200" : "1,10,50").map(Number),
    runCount: options.number("runs", turn === 0 ? 1_000 : 100),
    rounds: options.number("rounds", 3),
  };
  setGlobalDispatcher(new Agent({ connections: Math.max(...plan.clientCounts), pipelining: 1 }));
  await using database = await openDatabaseServer();
  const conditions = await describeConditions(database);
  const contestants: Contestant[] = [];
  const samples: Sample[] = [];
  try {
    for (const name of plan.names) contestants.push(await startContestant(name, await database.createDatabase()));
    const threads = new Map<ContestantName, string[]>();
    for (const contestant of contestants) threads.set(contestant.name, await prepare(contestant, plan));
    for (let number = 1; number <= plan.rounds; number++) {
      for (const clients of plan.clientCounts) {
        for (const contestant of contestants) {
          const result = await measure(contestant, clients, plan, threads.get(contestant.name)!);
          samples.push({ contestant: contestant.name, clients, round: number, ...result });
        }
      }
    }
  } finally {
    for (const contestant of contestants) await contestant[Symbol.asyncDispose]();
  }
  await keep(plan, conditions, samples);
}

/** Warms the contestant up and seeds its threads, one for each client; none when every run has a fresh one. */
async function prepare({ url }: Contestant, plan: Plan): Promise<string[]> {
  await runClients(10, WARM_UP_COUNT, () => runOnce(url, randomUUID()));
  if (plan.turn === 0) return [];
  const threads: string[] = [];
  await runClients(5, Math.max(...plan.clientCounts), async () => {
    threads.push(await seedThread(url, plan.turn));
  });
  return threads;
}

/** With long threads each client has its own, for a thread runs one turn at a time. */
async function measure(contestant: Contestant, clients: number, plan: Plan, threads: string[]) {
  const singleMax = contestant.name === "dev-server" ? DEV_SERVER_SINGLE_COUNT_MAX : SINGLE_COUNT_MAX;
  const count = Math.max(clients, clients === 1 ? Math.min(plan.runCount, singleMax) : plan.runCount);
  if (plan.turn === 0) return runClients(clients, count, () => runOnce(contestant.url, randomUUID()));
  const free = threads.slice(0, clients);
  return runClients(clients, clients === 1 ? Math.min(count, 20) : count, async () => {
    const threadId = free.pop()!;
    await runOnce(contestant.url, threadId);
    free.push(threadId);
  });
}

async function runOnce(url: string, threadId: string): Promise<void> {
  const question = "What is the time where my colleague lives?";
  const text = await runTurn(url, { threadId, graphId: "instant", question });
  if (!text.includes("You sent message ")) throw new Error(`unexpected answer: ${text.slice(0, 300)}`);
}

function tabulate(samples: Sample[], { names, clientCounts }: Plan) {
  const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return clientCounts.flatMap((clients) => {
    const of = (name: ContestantName) => samples.filter((s) => s.contestant === name && s.clients === clients);
    const base = median(of("in-process").map((sample) => sample.perSecond));
    return names.map((name) => {
      const perSecond = median(of(name).map((sample) => sample.perSecond));
      return {
        clients,
        contestant: name,
        "runs/s": perSecond,
        "against in-process": base === 0 ? 0 : round(perSecond / base),
        "p50 ms": median(of(name).map((sample) => sample.latencies.p50Ms)),
        "p99 ms": median(of(name).map((sample) => sample.latencies.p99Ms)),
      };
    });
  });
}

async function keep(plan: Plan, conditions: Conditions, samples: Sample[]): Promise<void> {
  const table = tabulate(samples, plan);
  const name = plan.turn === 0 ? "overhead" : `overhead-turn-${plan.turn}`;
  const where = plan.turn === 0 ? "on fresh threads" : `on threads that hold ${plan.turn} turns`;
  printTable(`instant two-node graph, runs/wait ${where} (median of ${plan.rounds} rounds)`, table);
  await writeResult(name, { ...conditions, plan, table, samples });
  const series = (column: "runs/s" | "p50 ms") =>
    plan.names.map((contestant) => ({
      name: contestant,
      values: plan.clientCounts.map(
        (clients) => table.find((row) => row.contestant === contestant && row.clients === clients)?.[column],
      ),
    }));
  await writeChart(name, {
    title: `Instant two-node graph, runs/wait ${where}`,
    subtitle: summariseConditions(conditions),
    panels: [
      {
        kind: "bars",
        title: "Runs per second, by concurrent clients (more is better)",
        yLabel: "runs/s",
        groups: plan.clientCounts.map((clients) => `${clients} ${clients === 1 ? "client" : "clients"}`),
        series: series("runs/s"),
      },
      {
        kind: "lines",
        title: "Median latency (less is better, log scale)",
        yLabel: "ms",
        yScale: "log",
        xLabel: "concurrent clients",
        x: plan.clientCounts,
        series: series("p50 ms"),
      },
    ],
  });
}
