// The keeper's thread: renews leases on a connection of its own and notices when the main thread stops turning.
import { parentPort, workerData } from "node:worker_threads";
import type { Pool } from "pg";
import type { Fence } from "../../domain/ports/run-queue.ts";
import { renewLeases } from "../lease.ts";
import { openPool } from "../pool.ts";
import { BlockageWatch } from "./blockage-watch.ts";
import type { FromKeeper, KeeperStart, ToKeeper } from "./keeper-messages.ts";
import { BLOCKED_RENEW_MAX_MS } from "./keeper-messages.ts";

const port = parentPort!;
const { url, preparedStatements, workerId, leaseDurationMs, heartbeatIntervalMs, beat } = workerData as KeeperStart;
const fences = new Map<string, Fence>();
const pool: Pool = openPool(url, { max: 1, applicationName: "holdfast leases", preparedStatements });
const watch = new BlockageWatch(
  beat,
  () => [...fences.keys()],
  (blockage) => tell({ kind: "blocked", blockage }),
);
let isRenewing = false;

function tell(message: FromKeeper): void {
  port.postMessage(message);
}

async function renew(): Promise<void> {
  if (fences.size === 0 || isRenewing || watch.blockedMs > BLOCKED_RENEW_MAX_MS) return;
  isRenewing = true;
  try {
    tell({
      kind: "renewed",
      renewal: await renewLeases(pool, { workerId, fences: [...fences.values()], leaseDurationMs }),
    });
  } catch (error) {
    tell({ kind: "failed", message: (error as Error).message });
  } finally {
    isRenewing = false;
  }
}

const renewing = setInterval(() => void renew(), heartbeatIntervalMs);

port.on("message", (message: ToKeeper) => {
  if (message.kind === "hold") fences.set(message.fence.runId, message.fence);
  else if (message.kind === "release") fences.delete(message.runId);
  else void close();
});

async function close(): Promise<void> {
  clearInterval(renewing);
  watch.close();
  await pool.end().catch(() => undefined);
  port.close();
}
