// Approval by policy: whom it stops, what a person may answer, and that it survives a restart in between.
import { startOpenAiStub } from "@holdfast/provider-stubs";
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createModel } from "../models/create-model.ts";
import { approvalMiddleware, needsApproval, type ToolApprovals } from "./approval.ts";
import { toolGuardMiddleware } from "./tool-guard-middleware.ts";

const call = (args: unknown) => ({ id: "1", name: "pay", args });
const history = (status: "success" | "error"): BaseMessage[] => [
  new AIMessage({ content: "", tool_calls: [{ id: "0", name: "pay", args: {} }] }),
  new ToolMessage({ tool_call_id: "0", content: "x", status }),
];

describe("the policy", () => {
  it.each([
    ["always", "always", {}, [], true],
    ["below an amount", { argument: "order.amount", above: 100 }, { order: { amount: 100 } }, [], false],
    ["above an amount", { argument: "order.amount", above: 100 }, { order: { amount: 100.01 } }, [], true],
    ["an amount that is none", { argument: "order.amount", above: 100 }, { order: { amount: "a lot" } }, [], true],
    ["an amount that is missing", { argument: "amount", above: 100 }, null, [], true],
    ["the first time", "firstTime", {}, [], true],
    ["after a success", "firstTime", {}, history("success"), false],
    ["after a failure", "firstTime", {}, history("error"), true],
    ["a function's", ({ args }: { args: unknown }) => args === 1, 1, [], true],
  ] as const)("%s", async (_name, policy, args, messages, isAsked) => {
    expect(await needsApproval(policy as never, call(args), [...messages])).toBe(isAsked);
  });
});

describe("an agent with approvals", () => {
  async function start(approvals: ToolApprovals) {
    const stub = await startOpenAiStub();
    const paid: number[] = [];
    const checkpointer = new MemorySaver();
    const build = async () => {
      const pay = tool(
        ({ amount }) => {
          paid.push(amount);
          return `paid ${amount}`;
        },
        { name: "pay", description: "Pays.", schema: z.object({ amount: z.number() }) },
      );
      const model = await createModel("openai:gpt-4o", {
        apiKey: "test-key",
        baseUrl: stub.url,
        env: {},
        retriesMax: 0,
      });
      const middleware = [toolGuardMiddleware(), approvalMiddleware(approvals)] as const;
      return createAgent({ model, tools: [pay], checkpointer, middleware });
    };
    return { stub, paid, build, thread: { configurable: { thread_id: "t" } } };
  }
  const toolTexts = (state: { messages: BaseMessage[] }) =>
    state.messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text);
  const payTwice = { toolCalls: [50, 500].map((amount) => ({ name: "pay", args: { amount } })) };
  const approvals: ToolApprovals = {
    pay: { when: { argument: "amount", above: 100 }, description: "A large payment" },
  };

  it("stops once, asks for what the policy names, and goes on in another process with the decision", async () => {
    const { stub, paid, build, thread } = await start(approvals);
    stub.script(payTwice, "Done.");
    const paused = await (await build()).invoke({ messages: [new HumanMessage("Pay")] }, thread);
    const [{ value }] = (paused as unknown as { __interrupt__: [{ value: unknown }] }).__interrupt__;
    expect(value).toMatchObject({
      actionRequests: [{ name: "pay", args: { amount: 500 }, description: "A large payment" }],
      reviewConfigs: [{ actionName: "pay", allowedDecisions: ["approve", "edit", "reject"] }],
    });
    expect(paid).toEqual([]);
    const resume = new Command({ resume: { decisions: [{ type: "approve" }] } });
    const state = await (await build()).invoke(resume, thread);
    expect(paid.sort()).toEqual([50, 500]);
    expect(state.messages.at(-1)!.text).toBe("Done.");
    await stub.close();
  });

  it("runs edited arguments, which are checked like any others", async () => {
    const { stub, paid, build, thread } = await start({ pay: "always" });
    stub.script({ toolCalls: [{ name: "pay", args: { amount: 500 } }] }, "Done.");
    const agent = await build();
    await agent.invoke({ messages: [new HumanMessage("Pay")] }, thread);
    const decisions = [{ type: "edit", editedAction: { name: "pay", args: { amount: "nothing" } } }];
    const state = await agent.invoke(new Command({ resume: { decisions } }), thread);
    expect(paid).toEqual([]);
    expect(toolTexts(state)[0]).toMatch(/arguments are wrong:\n- amount/);
    await stub.close();
  });

  it("tells the model of a rejection, in a history that the provider accepts", async () => {
    const { stub, paid, build, thread } = await start({ pay: "firstTime" });
    stub.script({ toolCalls: [{ name: "pay", args: { amount: 5 } }] }, "Then not.");
    const agent = await build();
    await agent.invoke({ messages: [new HumanMessage("Pay")] }, thread);
    const decisions = [{ type: "reject", message: "Too dear." }];
    const state = await agent.invoke(new Command({ resume: { decisions } }), thread);
    expect(paid).toEqual([]);
    expect(toolTexts(state)[0]).toContain("Too dear.");
    expect(state.messages.at(-1)!.text).toBe("Then not.");
    expect(stub.calls.every(({ status }) => status === 200)).toBe(true);
    await stub.close();
  });
});
