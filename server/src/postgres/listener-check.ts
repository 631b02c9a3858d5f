// Finds out at the start whether notifications arrive: behind a pooler in transaction mode LISTEN is accepted and never heard of again.
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { mintId } from "../domain/ids.ts";
import { openListener } from "./listener.ts";

/** A notice takes about a millisecond. Looks are counted, not time, for a blocked event loop of ours is no silence of the database. */
const LOOK_INTERVAL_MS = 100;
const LOOKS_MAX = 50;

/**
 * Whether what `pool` notifies is heard by a listener on `listenUrl`.
 * @throws the driver's error when one of them cannot connect
 */
export async function hearsNotices(listenUrl: string, pool: Pool): Promise<boolean> {
  const channel = `holdfast_check_${mintId().replaceAll("-", "")}`;
  const listener = await openListener(listenUrl, { applicationName: "holdfast listener check" });
  try {
    let hear: (isHeard: true) => void = () => undefined;
    const heard = new Promise<true>((resolve) => {
      hear = resolve;
    });
    await listener.listen(channel, () => hear(true));
    await pool.query("select pg_notify($1, '')", [channel]);
    for (let look = 0; look < LOOKS_MAX; look++) {
      if (await Promise.race([heard, sleep(LOOK_INTERVAL_MS, false)])) return true;
    }
    return false;
  } finally {
    await listener.close();
  }
}
