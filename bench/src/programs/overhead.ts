// What durability costs: runs per second and latency of an instant two-node graph, side by side with the graph called in-process
// (official PostgresSaver, same database server) and with the in-memory dev server.
import { randomUUID } from "node:crypto";
import { Agent, setGlobalDispatcher } from "undici";
import { type Contestant, type ContestantName, startContestant } from "../contestants/contestant.ts";
import { openDatabaseServer } from "../harness/database.ts";
import { describeMachine, type Latencies, round, runClients } from "../harness/measure.ts";
import { printTable, writeResult } from "../harness/result.ts";
import type { ProgramOptions } from "./program-options.ts";

interface Sample {
  contestant: ContestantName;
  clients: number;
  round: number;
  perSecond: number;
  latencies: Latencies;
}

/** `--clients 1,50 --runs 1000 --rounds 3 --contestants holdfast,in-process,dev-server` */
export async function overhead(options: ProgramOptions): Promise<void> {
  const clientCounts = options.list("clients", "1,10,50").map(Number);
  const runCount = options.number("runs", 1_000);
  const rounds = options.number("rounds", 3);
  const names = options.list("contestants", "holdfast,in-process,dev-server") as ContestantName[];
  setGlobalDispatcher(new Agent({ connections: Math.max(...clientCounts), pipelining: 1 }));
  await using database = await openDatabaseServer();
  const contestants: Contestant[] = [];
  const samples: Sample[] = [];
  try {
    for (const name of names) contestants.push(await startContestant(name, await database.createDatabase()));
    for (const contestant of contestants) await measure(contestant, 10, 200);
    for (let turn = 1; turn <= rounds; turn++) {
      for (const clients of clientCounts) {
        for (const contestant of contestants) {
          const count = contestant.name === "dev-server" && clients === 1 ? Math.min(runCount, 20) : runCount;
          const { perSecond, latencies } = await measure(
            contestant,
            clients,
            clients === 1 ? Math.min(count, 200) : count,
          );
          samples.push({ contestant: contestant.name, clients, round: turn, perSecond, latencies });
        }
      }
    }
  } finally {
    for (const contestant of contestants) await contestant[Symbol.asyncDispose]();
  }
  const table = tabulate(samples, names, clientCounts);
  printTable("instant two-node graph, runs/wait on fresh threads (median of rounds)", table);
  await writeResult("overhead", {
    machine: await describeMachine(),
    postgres: database.version,
    runCount,
    rounds,
    table,
    samples,
  });
}

async function measure(contestant: Contestant, clients: number, count: number) {
  return runClients(clients, count, () => runOnce(contestant));
}

async function runOnce({ url }: Contestant): Promise<void> {
  const threadId = randomUUID();
  const response = await fetch(`${url}/threads/${threadId}/runs/wait`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      assistant_id: "instant",
      if_not_exists: "create",
      input: { messages: [{ role: "user", content: "What is the time where my colleague lives?" }] },
    }),
  });
  const result = (await response.json()) as { messages?: unknown[] };
  if (result.messages?.length !== 2)
    throw new Error(`unexpected answer: ${response.status} ${JSON.stringify(result).slice(0, 300)}`);
}

function tabulate(samples: Sample[], names: ContestantName[], clientCounts: number[]) {
  const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return clientCounts.flatMap((clients) => {
    const base = median(
      samples.filter((s) => s.contestant === "in-process" && s.clients === clients).map((s) => s.perSecond),
    );
    return names.map((name) => {
      const own = samples.filter((sample) => sample.contestant === name && sample.clients === clients);
      const perSecond = median(own.map((sample) => sample.perSecond));
      return {
        clients,
        contestant: name,
        "runs/s": perSecond,
        "against in-process": base === 0 ? 0 : round(perSecond / base),
        "p50 ms": median(own.map((sample) => sample.latencies.p50Ms)),
        "p99 ms": median(own.map((sample) => sample.latencies.p99Ms)),
      };
    });
  });
}
