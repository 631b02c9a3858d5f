// An answer in a given shape: checked, and asked for again with what was wrong with it, a bounded number of times.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { z } from "zod";

/** Bounds of the repair. */
export interface StructuredAnswerOptions {
  /** How often a wrong answer is given back. @default 2 */
  correctionsMax?: number;
  /** Name of the answer's shape, as the model sees it. @default "answer" */
  name?: string;
  description?: string;
  /** Config of the calling node, for callbacks and cancellation. */
  config?: RunnableConfig;
}

/** The model gave no answer of the wanted shape within its bound. */
export class StructuredAnswerError extends Error {
  /** Stable, machine-readable reason. */
  readonly code = "structured_answer";
  /** What was wrong with the last answer. */
  readonly problems: string[];

  constructor(name: string, triesCount: number, problems: string[]) {
    super(`The model gave no valid "${name}" in ${triesCount} tries; the last was wrong: ${problems.join("; ")}`);
    this.name = "StructuredAnswerError";
    this.problems = problems;
  }
}

const problemsMax = 10;

/**
 * Asks a model for an answer of a shape, by one tool that it is made to call, which all providers understand. What does not fit the schema
 * goes back to the model with what is wrong, place by place. The exchange stays out of the thread's own messages.
 * @throws StructuredAnswerError after `correctionsMax` corrections; whatever the model throws.
 */
export async function structuredAnswer<Shape extends z.ZodType>(
  model: BaseChatModel,
  schema: Shape,
  messages: BaseMessage[],
  options: StructuredAnswerOptions = {},
): Promise<z.output<Shape>> {
  const {
    correctionsMax = 2,
    name = "answer",
    description = "Gives the answer in the wanted shape.",
    config,
  } = options;
  const tool = {
    type: "function",
    function: { name, description, parameters: z.toJSONSchema(schema, { io: "input" }) },
  };
  const asking = model.bindTools!([tool], { tool_choice: name });
  const exchange = [...messages];
  let problems: string[] = [];
  for (let tries = 0; tries <= correctionsMax; tries++) {
    const answer = await asking.invoke(exchange, config);
    const call = answer.tool_calls?.find((made) => made.name === name);
    const parsed = call === undefined ? undefined : await schema.safeParseAsync(call.args);
    if (parsed?.success) return parsed.data;
    problems = parsed === undefined ? [`no valid call of "${name}" was made`] : describeIssues(parsed.error);
    exchange.push(...correction(answer, call?.id, problems, name));
  }
  throw new StructuredAnswerError(name, correctionsMax + 1, problems);
}

/** The wrong answer and what is wrong with it, in the order that every provider accepts: each call has its result. */
function correction(answer: AIMessage, callId: string | undefined, problems: string[], name: string): BaseMessage[] {
  const text = `This is not valid:\n${problems.map((problem) => `- ${problem}`).join("\n")}\nCall "${name}" again with corrected arguments.`;
  if (callId === undefined) return [new AIMessage(answer.text.trim() || "(no answer)"), new HumanMessage(text)];
  const calls = answer.tool_calls ?? [];
  const results = calls.map(
    (call) => new ToolMessage({ tool_call_id: call.id ?? "", name: call.name, content: text, status: "error" }),
  );
  return [new AIMessage({ content: answer.text, tool_calls: calls }), ...results];
}

function describeIssues({ issues }: z.ZodError): string[] {
  return issues
    .slice(0, problemsMax)
    .map(({ path, message }) => (path.length > 0 ? `${path.map(String).join(".")}: ${message}` : message));
}
