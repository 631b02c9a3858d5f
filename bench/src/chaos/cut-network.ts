// F4: the network between worker and database, API and database, and client and API is cut, slow, or silent. (API and worker
// speak only through the database, so their network is the first two.)
import { setTimeout as sleep } from "node:timers/promises";
import type { NamedProcess } from "../harness/cluster.ts";
import { TcpProxy, targetOf, urlThrough } from "../harness/tcp-proxy.ts";
import type { ChaosOptions, ChaosResult, Fault } from "./fault.ts";
import { countRefusals, reportRefusedWrites, waitForRefusal, waitForTakeover } from "./stale-worker.ts";
import {
  type InjectionContext,
  type InjectionReport,
  pickBusyWorker,
  runStepsFault,
  type StepsFault,
  untilNextFault,
} from "./steps-fault.ts";

const LEASE_DURATION_MS = 3_000;
const HEARTBEAT_INTERVAL_MS = 1_000;
const DELAY_MIN_MS = 20;
const DELAY_MAX_MS = 200;
const STALL_MAX_MS = 6_000;
/** In turn, so that a short test has them all. A partition cuts a busy worker off until others have its runs. */
const KINDS = ["partition", "cut", "delay", "stall"] as const;
const SPELL_MIN_MS = 500;
const SPELL_MAX_MS = 3_000;

interface Link {
  name: string;
  /** Place of the worker it belongs to, if any. */
  worker?: number;
  proxy: TcpProxy;
}

export const cutNetwork: Fault = {
  id: "F4",
  title: "network cut, delayed or silent between worker, API, client and database",
  defaults: { runCount: 500, faultIntervalMinMs: 300, faultIntervalMaxMs: 1_000, stepMs: 200 },
  run: runOnBadNetwork,
};

async function runOnBadNetwork(options: ChaosOptions): Promise<ChaosResult> {
  const databaseUrl = await options.server.createDatabase();
  const database = () => targetOf(databaseUrl);
  let apiPort = 0;
  const apiLink = await TcpProxy.start(database);
  const clientLink = await TcpProxy.start(() => ({ host: "127.0.0.1", port: apiPort }));
  const workerLinks = await Promise.all(Array.from({ length: options.workerCount }, () => TcpProxy.start(database)));
  const links: Link[] = [
    { name: "API and database", proxy: apiLink },
    { name: "client and API", proxy: clientLink },
    ...workerLinks.map((proxy, worker) => ({ name: `worker ${worker} and database`, worker, proxy })),
  ];
  const fault: StepsFault = {
    cluster: {
      env: {
        HOLDFAST_LEASE_DURATION_MS: String(LEASE_DURATION_MS),
        HOLDFAST_HEARTBEAT_INTERVAL_MS: String(HEARTBEAT_INTERVAL_MS),
        HOLDFAST_ATTEMPT_MAX: "100",
      },
      workerEnv: reportRefusedWrites,
      databaseUrlOf: (role, index) => urlThrough(databaseUrl, role === "api" ? apiLink : workerLinks[index]!),
    },
    apiUrl: (cluster) => {
      apiPort = cluster.apis[0]!.server.port;
      return `http://127.0.0.1:${clientLink.port}`;
    },
    inject: (context) => disturb(context, links),
  };
  try {
    return await runStepsFault(fault, options, databaseUrl);
  } finally {
    await Promise.all(links.map(({ proxy }) => proxy[Symbol.asyncDispose]()));
  }
}

async function disturb(context: InjectionContext, links: Link[]): Promise<InjectionReport> {
  const { random, options, cluster } = context;
  const staleSenders = new Set<string>();
  let takenOverCount = 0;
  let turn = 0;
  while (await untilNextFault(context)) {
    const kind = KINDS[turn % KINDS.length]!;
    if (kind === "partition") {
      const busy = await pickBusyWorker(context);
      const link = links.find(({ worker }) => worker !== undefined && cluster.workers[worker] === busy);
      if (busy === undefined || link === undefined) continue;
      staleSenders.add(busy.session);
      takenOverCount += await partition(context, busy, link);
      turn++;
      continue;
    }
    turn++;
    const { name, worker, proxy } = random.pick(links);
    if (worker !== undefined) staleSenders.add(cluster.workers[worker]!.session);
    const spellMs = random.integer(SPELL_MIN_MS, kind === "stall" ? STALL_MAX_MS : SPELL_MAX_MS);
    if (kind === "cut") proxy.cut();
    if (kind === "delay") proxy.delay(random.integer(DELAY_MIN_MS, DELAY_MAX_MS));
    if (kind === "stall") proxy.stall();
    options.log(`${kind} between ${name}${kind === "cut" ? "" : ` for ${spellMs} ms`}`);
    if (kind !== "cut") await sleep(spellMs);
    proxy.delay(0);
    proxy.resume();
  }
  const sum = (count: (proxy: TcpProxy) => number) => links.reduce((total, { proxy }) => total + count(proxy), 0);
  return {
    proofs: {
      connectionsCut: sum((proxy) => proxy.cutCount),
      piecesDelayed: sum((proxy) => proxy.delayedCount),
      piecesHeldBack: sum((proxy) => proxy.stalledCount),
      runsTakenOver: takenOverCount,
      refusedWrites: cluster.workers.reduce((count, worker) => count + countRefusals(worker), 0),
    },
    staleSenders,
  };
}

/** Nothing passes between the worker and the database until others have its runs; then it is back. How many runs that were. */
async function partition({ cluster, options }: InjectionContext, worker: NamedProcess, link: Link): Promise<number> {
  const awaySinceMs = Date.now();
  link.proxy.stall();
  try {
    const taken = await waitForTakeover(cluster, worker, awaySinceMs);
    options.log(`partition of ${link.name} for ${Date.now() - awaySinceMs} ms: ${taken.length} runs were taken over`);
    link.proxy.resume();
    if (taken.length > 0) await waitForRefusal(worker);
    return taken.length;
  } finally {
    link.proxy.resume();
  }
}
