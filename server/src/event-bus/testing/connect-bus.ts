// Gives a bus its LISTEN connection and its NOTIFY on a test's database, as a process would.
import type { Pool } from "pg";
import pg from "pg";
import { mintId } from "../../domain/ids.ts";
import type { EventBus } from "../../domain/ports/event-bus.ts";
import { NOTIFY_CHANNEL, type NoticeLinkOptions } from "../notice-link.ts";

type NotifiedBus = EventBus & { receive(payload: string): void };

/** The bus, connected; disposing of it closes its connection too. */
export async function connectBus<B extends NotifiedBus>(
  database: { url: string; pool: Pool },
  create: (options: NoticeLinkOptions) => B,
): Promise<B> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const bus = create({
    processId: mintId(),
    notify: async (channel, payload) =>
      void (await database.pool.query("select pg_notify($1, $2)", [channel, payload])),
    onNotifyError: (error) => {
      throw error;
    },
  });
  client.on("notification", ({ payload }) => bus.receive(payload ?? ""));
  await client.query(`listen ${NOTIFY_CHANNEL}`);
  const dispose = bus[Symbol.asyncDispose].bind(bus);
  const close = async (): Promise<void> => {
    await dispose();
    await client.end();
  };
  let closing: Promise<void> | undefined;
  bus[Symbol.asyncDispose] = (): Promise<void> => {
    closing ??= close();
    return closing;
  };
  return bus;
}
