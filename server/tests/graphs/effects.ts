// A tool with an effect on the sink, in a plain graph and in an agent's tool loop; it stops where a test wants to kill its worker.
import { setTimeout as sleep } from "node:timers/promises";
import { idempotencyKeyOf, withEffect } from "@holdfast/kit";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Annotation, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { z } from "zod";

type Phase = "before" | "effect" | "after";

/** The worker that takes over does not wait again. */
const mayHold = process.env.HOLDFAST_TEST_HOLD === "1";

/** Tells the sink; at the phase that `hold_at` names the first worker waits to be killed. */
async function tell(phase: Phase, order: string, config: LangGraphRunnableConfig): Promise<void> {
  const { sink_url: url, hold_at: holdAt } = config.configurable ?? {};
  await fetch(url, { method: "POST", body: JSON.stringify({ phase, order, key: idempotencyKeyOf(config) }) });
  if (mayHold && phase === holdAt) await sleep(120_000, undefined, { signal: config.signal });
}

function makePayTool(isIdempotent: boolean) {
  const pay = tool(
    async ({ order }, config) => {
      await tell("before", order, config);
      await tell("effect", order, config);
      return `paid ${order}`;
    },
    { name: "pay", description: "Pays an order.", schema: z.object({ order: z.string() }) },
  );
  return withEffect(pay, { isIdempotent });
}

const State = Annotation.Root({ order: Annotation<string>, outcome: Annotation<unknown> });

function makeGraph(isIdempotent: boolean) {
  const pay = makePayTool(isIdempotent);
  return new StateGraph(State)
    .addNode("pay", async ({ order }, config: LangGraphRunnableConfig) => {
      const outcome = await pay.invoke({ order }, config);
      await tell("after", order, config);
      return { outcome };
    })
    .addEdge(START, "pay")
    .compile();
}

export const idempotent = makeGraph(true);
export const once = makeGraph(false);

/** Asks for one payment, then says what came of it. */
class PayingModel extends BaseChatModel {
  _llmType(): string {
    return "paying";
  }

  override bindTools(): this {
    return this;
  }

  async _generate(messages: BaseMessage[]) {
    const last = messages.at(-1)!;
    const call = { name: "pay", args: { order: String(last.content) }, id: "call-1", type: "tool_call" as const };
    const message =
      last.type === "tool"
        ? new AIMessage(`Result: ${last.content}`)
        : new AIMessage({ content: "", tool_calls: [call] });
    return { generations: [{ text: String(message.content), message }] };
  }
}

export const agent = createAgent({ model: new PayingModel({}), tools: [makePayTool(false)] });
