// A tool with an effect outside of any server, and against a recorder that plays one.
import { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { EffectCall, EffectRecorder, EffectReservation } from "./effect-recorder.ts";
import { idempotencyKeyOf } from "./perform-effect.ts";
import { withEffect } from "./with-effect.ts";

function payTool(pay: (order: string, key: string | undefined) => unknown) {
  const inner = tool(async ({ order }, config) => pay(order, idempotencyKeyOf(config)), {
    name: "pay",
    description: "Pays.",
    schema: z.object({ order: z.string() }),
  });
  return withEffect(inner, { isIdempotent: false });
}

/** Remembers what it was told, and answers as given. */
function playRecorder(reservation: EffectReservation) {
  const calls: EffectCall[] = [];
  const settled: { effectId: string; status: string; result: string | null; error: string | null }[] = [];
  const recorder: EffectRecorder = {
    decisions: new Map(),
    reserve: async (call) => {
      calls.push(call);
      return reservation;
    },
    retry: async () => {},
    settle: async (effectId, { status, result, error }) => void settled.push({ effectId, status, result, error }),
  };
  return { calls, settled, config: { configurable: { __holdfast_effects: recorder, checkpoint_ns: "pay:1" } } };
}

const toolCall = { type: "tool_call" as const, id: "call-1", name: "pay", args: { order: "7" } };

test("without a server the tool just runs, with a key of its own each time", async () => {
  const keys: unknown[] = [];
  const pay = payTool((order, key) => {
    keys.push(key);
    return `paid ${order}`;
  });
  expect(await pay.invoke({ order: "7" })).toBe("paid 7");
  expect((await pay.invoke(toolCall)).content).toBe("paid 7");
  expect(new Set(keys).size).toBe(2);
  expect(keys.every((key) => typeof key === "string")).toBe(true);
});

describe("with a recorder", () => {
  test("the call is told before, the result after, and the tool gets the effect's id as its key", async () => {
    const { calls, settled, config } = playRecorder({ kind: "reserved", effectId: "e1", decisionCount: 0 });
    const pay = payTool((order, key) => `paid ${order} with ${key}`);
    const message = await pay.invoke(toolCall, config);
    expect(message).toMatchObject({ content: "paid 7 with e1", tool_call_id: "call-1" });
    expect(calls).toMatchObject([
      { toolName: "pay", argsJson: '{"order":"7"}', toolCallId: "call-1", checkpointNs: "pay:1" },
    ]);
    expect(settled).toMatchObject([{ effectId: "e1", status: "finished" }]);
    const repeated = playRecorder({ kind: "settled", effectId: "e1", decisionCount: 0, result: settled[0]!.result });
    const never = payTool(() => expect.unreachable());
    const again = await never.invoke(toolCall, repeated.config);
    expect(ToolMessage.isInstance(again)).toBe(true);
    expect(again).toMatchObject({ content: "paid 7 with e1", tool_call_id: "call-1", name: "pay" });
  });

  test("plain results come back as JSON", async () => {
    const { settled, config } = playRecorder({ kind: "reserved", effectId: "e1", decisionCount: 0 });
    expect(await payTool(() => ({ receipt: [1, 2] })).invoke({ order: "7" }, config)).toEqual({ receipt: [1, 2] });
    const repeated = playRecorder({ kind: "settled", effectId: "e1", decisionCount: 0, result: settled[0]!.result });
    expect(await payTool(() => expect.unreachable()).invoke({ order: "7" }, repeated.config)).toEqual({
      receipt: [1, 2],
    });
  });

  test("a failure that the tool reports is recorded as one; one of a stopped run is left open", async () => {
    const { settled, config } = playRecorder({ kind: "reserved", effectId: "e1", decisionCount: 0 });
    const failing = payTool(() => {
      throw new Error("card refused");
    });
    await expect(failing.invoke({ order: "7" }, config)).rejects.toThrow("card refused");
    expect(settled).toMatchObject([{ status: "failed", error: "Error: card refused" }]);
    const stop = new AbortController();
    const open = playRecorder({ kind: "reserved", effectId: "e2", decisionCount: 0 });
    const stopped = payTool(() => {
      stop.abort();
      throw new Error("stopped");
    });
    await expect(stopped.invoke({ order: "7" }, { ...open.config, signal: stop.signal })).rejects.toThrow();
    expect(open.settled).toEqual([]);
  });
});
