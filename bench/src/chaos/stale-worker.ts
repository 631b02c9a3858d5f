// A worker that others take for dead and that comes back: until its runs are taken over, and until its writes are refused.
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Claim, claimsAt, readClaims } from "../harness/audit.ts";
import type { Cluster, NamedProcess } from "../harness/cluster.ts";

const POLL_MS = 50;
/** A silent worker's runs are elsewhere after lease, sweep and claim; more means that nobody takes them. */
const TAKEOVER_MAX_MS = 60_000;
/** Time for a worker that is back to try its writes. */
const BACK_MAX_MS = 2_000;
const REFUSED_WRITE = "[refused write]";
const PRELOAD = fileURLToPath(new URL("../../preload/report-refused-writes.mjs", import.meta.url));

/** Environment of a worker that prints a line for each of its writes that was refused. */
export function reportRefusedWrites(): Record<string, string> {
  return { NODE_OPTIONS: `--import ${PRELOAD}` };
}

/** Waits until every run the worker had is with somebody else; returns those runs. */
export async function waitForTakeover(cluster: Cluster, worker: NamedProcess, awaySinceMs: number): Promise<Claim[]> {
  const deadlineMs = awaySinceMs + TAKEOVER_MAX_MS;
  while (Date.now() < deadlineMs) {
    const claims = await readClaims(cluster.pool);
    const had = claimsAt(claims, worker.session, awaySinceMs);
    const isWithOthers = (lost: Claim) =>
      claims.some((claim) => claim.runId === lost.runId && claim.atMs > awaySinceMs);
    if (had.every(isWithOthers)) return had;
    await sleep(POLL_MS);
  }
  throw new Error(`the runs of ${worker.session}, which is cut off, were not taken over within ${TAKEOVER_MAX_MS} ms`);
}

/** Waits a short while until the worker has tried to write, and was refused. */
export async function waitForRefusal(worker: NamedProcess): Promise<void> {
  const before = countRefusals(worker);
  const deadlineMs = Date.now() + BACK_MAX_MS;
  while (Date.now() < deadlineMs && countRefusals(worker) === before) await sleep(POLL_MS);
}

/** Writes of the worker that were refused so far. */
export function countRefusals(worker: NamedProcess): number {
  return worker.server.output().split(REFUSED_WRITE).length - 1;
}
