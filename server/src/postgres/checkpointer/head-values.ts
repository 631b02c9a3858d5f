// What thread rows need of checkpoints: the newest state after a deletion, and channels that a row does not keep.
import type { Pool, PoolClient } from "pg";
import type { JsonObject } from "../../domain/json.ts";
import type { ReadOmittedValues, ThreadHead } from "../checkpoint-tables.ts";
import { readChannelValues } from "./channel-values.ts";
import { HoldfastSaver } from "./saver.ts";

/** Turns a channel's value into plain JSON as clients see it. */
export type ToWireValue = (value: unknown) => unknown;

/** Channels that LangGraph keeps for itself. */
const INTERNAL_CHANNEL = /^(__|branch:|start:|join:)/;

/** Reads omitted channels from the checkpoints that the rows name. */
export function omittedValuesReader(pool: Pool, toWireValue: ToWireValue): ReadOmittedValues {
  return async (requests) => {
    const found = await readChannelValues(pool, requests);
    return new Map(
      requests.map(({ threadId, channels }): [string, JsonObject] => {
        const values = found.get(threadId)?.channelValues ?? {};
        return [threadId, Object.fromEntries(channels.map((channel) => [channel, toWireValue(values[channel])]))];
      }),
    );
  };
}

/** The head of a thread as its row shows it, read inside the caller's transaction. */
export function threadHeadReader(toWireValue: ToWireValue) {
  return async (client: PoolClient, threadId: string): Promise<ThreadHead | undefined> => {
    // Reading needs nothing of a pool but `query`, which a client inside a transaction has too.
    const saver = new HoldfastSaver({ pool: client as unknown as Pool });
    const tuple = await saver.getTuple({ configurable: { thread_id: threadId, checkpoint_ns: "" } });
    if (tuple === undefined) return undefined;
    const shown = Object.entries(tuple.checkpoint.channel_values).filter(
      ([channel]) => !INTERNAL_CHANNEL.test(channel),
    );
    const interrupts: ThreadHead["interrupts"] = {};
    for (const [taskId, channel, value] of tuple.pendingWrites ?? []) {
      if (channel === "__interrupt__")
        interrupts[taskId] = (Array.isArray(value) ? value : [value]) as ThreadHead["interrupts"][string];
    }
    return {
      checkpointId: tuple.checkpoint.id,
      valuesJson: JSON.stringify(Object.fromEntries(shown.map(([channel, value]) => [channel, toWireValue(value)]))),
      omittedChannels: [],
      interrupts,
    };
  };
}
