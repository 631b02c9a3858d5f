// Tools under limits: every fault ends within its bound, with words for the model and a history that providers accept.

import { type ProviderStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, interrupt, MemorySaver } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createModel } from "../models/create-model.ts";
import { guardTool } from "./guard-tool.ts";
import { toolGuardMiddleware } from "./tool-guard-middleware.ts";
import type { ToolLimits } from "./tool-limits.ts";

const quick: ToolLimits = { backoff: { firstDelayMs: 1, delayMsMax: 2 } };
const call = (args: Record<string, unknown> = {}, id = "c1") => ({ name: "t", args, id, type: "tool_call" as const });
const make = (run: (args: { n?: number }, config: { signal?: AbortSignal }) => unknown, limits: ToolLimits = {}) =>
  guardTool(tool(run, { name: "t", description: "d", schema: z.object({ n: z.number().optional() }) }), {
    ...quick,
    ...limits,
  });
const failing = (error: object) => {
  const tries = { count: 0 };
  const guarded = (limits?: ToolLimits) =>
    make(() => {
      tries.count++;
      throw Object.assign(new Error("it broke"), error);
    }, limits);
  return { tries, guarded };
};

describe("a guarded tool", () => {
  it("passes results on", async () => {
    const result: ToolMessage = await make(({ n }) => `n is ${n}`).invoke(call({ n: 1 }));
    expect(result).toMatchObject({ content: "n is 1", tool_call_id: "c1", name: "t" });
    expect(result.status).not.toBe("error");
  });

  it("tells the model which argument is wrong, without a retry", async () => {
    const result: ToolMessage = await make(() => "never").invoke(call({ n: "one" }));
    expect(result.status).toBe("error");
    expect(result.content).toMatch(/^`t` was not run, because its arguments are wrong:\n- n: .*expected number/);
  });

  it.each([
    ["a refused connection", { code: "ECONNREFUSED" }, false, 3],
    ["a rate limit", { status: 429 }, false, 3],
    ["a lost connection", { code: "ECONNRESET" }, false, 1],
    ["a lost connection, idempotent", { code: "ECONNRESET" }, true, 3],
    ["a server error", { response: { status: 502 } }, false, 1],
    ["a server error, idempotent", { response: { status: 502 } }, true, 3],
    ["a refused request", { status: 400 }, true, 1],
    ["a bug", {}, true, 1],
  ])("tries %s as often as is safe", async (_case, error, isIdempotent, triesCount) => {
    const { tries, guarded } = failing(error);
    const result: ToolMessage = await guarded({ isIdempotent }).invoke(call());
    expect(tries.count).toBe(triesCount);
    expect(result.content).toContain("`t` failed");
    expect(result.content).toContain("it broke");
    const isUnknown = !isIdempotent && ("response" in error || ("code" in error && error.code === "ECONNRESET"));
    expect(String(result.content).includes("may have taken effect")).toBe(isUnknown);
  });

  it("waits as long as the other side asks", async () => {
    const { guarded } = failing({ status: 429, headers: new Headers({ "retry-after": "0.1" }) });
    const startedAt = performance.now();
    await guarded({ retriesMax: 1 }).invoke(call());
    expect(performance.now() - startedAt).toBeGreaterThan(95);
  });

  it.each([true, false])(
    "stops a tool that takes too long, whether it listens to its signal (%s) or not",
    async (isListening) => {
      let signalled = false;
      const guarded = make(
        (_args, config) =>
          new Promise((_, reject) => {
            config.signal!.addEventListener("abort", () => {
              signalled = true;
              if (isListening) reject(config.signal!.reason);
            });
          }),
        { timeoutMs: 30 },
      );
      const result: ToolMessage = await guarded.invoke(call());
      expect(result.content).toContain("did not answer within 0.03 seconds");
      expect(signalled).toBe(true);
    },
  );
});

describe("a guarded tool's output and place", () => {
  it("cuts long output in the middle and says so", async () => {
    const result: ToolMessage = await make(() => `start${"x".repeat(5000)}end`, { outputCharactersMax: 1000 }).invoke(
      call(),
    );
    expect(result.content).toMatch(/^start.*4008 of 5008 characters were left out.*end$/s);
    expect(String(result.content).length).toBeLessThan(1200);
  });

  it("runs no more at once than allowed, and lets those go that are cancelled while waiting", async () => {
    let running = 0;
    let most = 0;
    const guarded = make(
      async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 100));
        running--;
        return "ok";
      },
      { concurrentCallsMax: 2 },
    );
    const first = [1, 2].map((n) => guarded.invoke(call({}, `c${n}`)));
    const cancelled = guarded.invoke(call({}, "c3"), { signal: AbortSignal.timeout(5) }).catch(() => "cancelled");
    const all = await Promise.all([...first, ...[4, 5].map((n) => guarded.invoke(call({}, `c${n}`)))]);
    expect(all.every((result: ToolMessage) => result.content === "ok")).toBe(true);
    expect(await cancelled).toBe("cancelled");
    expect(most).toBe(2);
  });
});

describe("a guarded tool in a loop", () => {
  const history = (...failed: { args: object; id: string }[]): BaseMessage[] => [
    new HumanMessage("old"),
    new AIMessage({ content: "", tool_calls: [{ name: "t", args: { n: 1 }, id: "old" }] }),
    new ToolMessage({ content: "no", tool_call_id: "old", status: "error" }),
    new HumanMessage("go"),
    ...failed.flatMap(({ args, id }) => [
      new AIMessage({ content: "", tool_calls: [{ name: "t", args, id }] }),
      new ToolMessage({ content: "no", tool_call_id: id, status: "error" }),
    ]),
  ];
  const run = async (messages: BaseMessage[], args: Record<string, unknown>, limits?: ToolLimits) => {
    const next = new AIMessage({ content: "", tool_calls: [{ name: "t", args, id: "next" }] });
    const { messages: results } = (await new ToolNode([make(() => "ran", limits)]).invoke({
      messages: [...messages, next],
    })) as {
      messages: ToolMessage[];
    };
    return String(results[0]!.content);
  };

  it("refuses the same call after its second failure in a turn, whatever the order of its arguments", async () => {
    const schemaFree = { a: 1, b: [{ c: 2, d: 3 }] };
    const reordered = { b: [{ d: 3, c: 2 }], a: 1 };
    expect(await run(history({ args: { n: 1 }, id: "1" }), { n: 1 })).toBe("ran");
    const twice = history({ args: schemaFree, id: "1" }, { args: reordered, id: "2" });
    expect(await run(twice, schemaFree)).toContain("has already failed 2 times. Do not repeat it.");
    expect(await run(twice, { n: 2 })).toBe("ran");
  });

  it("refuses everything after too many failures in a turn", async () => {
    const many = history(...[1, 2, 3].map((n) => ({ args: { n }, id: `${n}` })));
    expect(await run(many, { n: 9 }, { failuresPerTurnMax: 3 })).toContain("3 tool calls have failed");
  });
});

describe("guarded tools of an agent", () => {
  let stub: ProviderStub | undefined;
  afterEach(() => stub?.close());
  const connect = async () => {
    stub = await startOpenAiStub();
    return {
      stub,
      model: await createModel("openai:gpt-4o", { apiKey: "test-key", baseUrl: stub.url, env: {}, retriesMax: 0 }),
    };
  };

  it("end a model's endless loop within the bound, with a history that the provider accepts", async () => {
    const { model, stub } = await connect();
    let runs = 0;
    const broken = tool(
      () => {
        runs++;
        throw new Error("always");
      },
      { name: "t", description: "d", schema: z.object({}) },
    );
    stub.script((conversation) => {
      const last = conversation.messages.at(-1)!.text;
      return last.includes("Call no more tools now")
        ? { text: "Sorry, it does not work." }
        : { toolCalls: [{ name: "t", args: {} }] };
    });
    const agent = createAgent({
      model,
      tools: [broken],
      middleware: [toolGuardMiddleware({ ...quick, failuresPerTurnMax: 5, sameFailuresMax: 2 })],
    });
    const state = await agent.invoke({ messages: [new HumanMessage("Try")] });
    expect(state.messages.at(-1)!.text).toBe("Sorry, it does not work.");
    expect(runs).toBe(2);
    expect(stub.calls.every((recorded) => recorded.status === 200)).toBe(true);
  });

  it("fail separately when called in parallel, and pass commands and interrupts on", async () => {
    const { model, stub } = await connect();
    const tools = [
      tool(() => "fine", { name: "good", description: "d", schema: z.object({}) }),
      tool(() => Promise.reject(new Error("bad luck")), { name: "bad", description: "d", schema: z.object({}) }),
      tool(
        (_args, config: { toolCallId?: string }) =>
          new Command({
            update: { messages: [new ToolMessage({ content: "by command", tool_call_id: config.toolCallId! })] },
          }),
        {
          name: "commanding",
          description: "d",
          schema: z.object({}),
        },
      ),
      tool(() => `approved: ${interrupt("may I?")}`, { name: "asking", description: "d", schema: z.object({}) }),
    ];
    stub.script({ toolCalls: tools.map(({ name }) => ({ name, args: {} })) }, "Done.");
    const agent = createAgent({
      model,
      tools,
      checkpointer: new MemorySaver(),
      middleware: [toolGuardMiddleware({ ...quick, timeoutMs: 5_000 })],
    });
    const config = { configurable: { thread_id: "t" } };
    const paused = await agent.invoke({ messages: [new HumanMessage("Go")] }, config);
    expect(paused).toHaveProperty("__interrupt__");
    const state = await agent.invoke(new Command({ resume: "yes" }), config);
    const results = state.messages.filter((message) => ToolMessage.isInstance(message)).map((message) => message.text);
    expect(results).toEqual(["fine", "`bad` failed: bad luck", "by command", "approved: yes"]);
    expect(state.messages.at(-1)!.text).toBe("Done.");
  });

  it("give a cancelled run its cancellation, not a result", async () => {
    const guarded = make(() => new Promise(() => {}));
    await expect(guarded.invoke(call(), { signal: AbortSignal.timeout(20) })).rejects.toThrow(/timeout|abort/i);
  });
});
