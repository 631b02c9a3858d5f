// Calls whose arguments are not JSON: given back to the model to be made again, a bounded number of times, out of the thread's sight.
import { AIMessage, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import { describeUnreadable } from "./tool-words.ts";
import { withoutToolCalls } from "./turn-limits.ts";

const correctionsMaxDefault = 2;

/**
 * Asks until the answer has no call that cannot be read. Such a call cannot be carried out, answered, or sent to a provider again, and an
 * agent that goes by the calls it can read would take the answer for its last. A plain function for graphs of your own.
 * @param ask calls the model with these messages
 * @param correctionsMax after so many corrections the unreadable calls are dropped; what else was answered stays. @default 2
 */
export async function askWithReadableCalls<Answer>(
  ask: (messages: BaseMessage[]) => Promise<Answer> | Answer,
  messages: BaseMessage[],
  correctionsMax: number = correctionsMaxDefault,
): Promise<Answer | AIMessage> {
  const exchange = [...messages];
  for (let tries = 0; ; tries++) {
    const answer = await ask(exchange);
    if (!AIMessage.isInstance(answer)) return answer;
    const unreadable = answer.invalid_tool_calls ?? [];
    if (unreadable.length === 0) return answer;
    if (tries >= correctionsMax) return (answer.tool_calls?.length ?? 0) > 0 ? answer : withoutToolCalls(answer);
    exchange.push(new AIMessage(answer.text.trim() || "(a tool call that could not be read)"));
    exchange.push(
      new HumanMessage(unreadable.map((call) => describeUnreadable(call.name ?? "?", call.error)).join("\n")),
    );
  }
}
