// Finds out at the start whether notifications arrive: behind a pooler in transaction mode LISTEN is accepted and never heard of again.
import type { Pool } from "pg";
import { mintId } from "../domain/ids.ts";
import { openListener } from "./listener.ts";

/** A notice takes about a millisecond; a server under load gets this long. */
const NOTICE_MAX_MS = 3_000;

/**
 * Whether what `pool` notifies is heard by a listener on `listenUrl`.
 * @throws the driver's error when one of them cannot connect
 */
export async function hearsNotices(listenUrl: string, pool: Pool): Promise<boolean> {
  const channel = `holdfast_check_${mintId().replaceAll("-", "")}`;
  const listener = await openListener(listenUrl, { applicationName: "holdfast listener check" });
  try {
    let timer: NodeJS.Timeout | undefined;
    const heard = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), NOTICE_MAX_MS);
      listener
        .listen(channel, () => resolve(true))
        .then(() => pool.query("select pg_notify($1, '')", [channel]))
        .catch(() => resolve(false));
    });
    const isHeard = await heard;
    clearTimeout(timer);
    return isHeard;
  } finally {
    await listener.close();
  }
}
