// Budgets of an agent: in tokens per turn and thread, checked before each call, and a cheaper model to go on with.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { createMiddleware } from "langchain";
import { newestTurn } from "../context-window/message-groups.ts";
import { estimateTextTokens, estimateTokens } from "../context-window/token-estimate.ts";
import { createModel } from "../models/create-model.ts";
import { usageOf } from "./thread-usage.ts";

/** Limits in tokens, input and output together. */
export interface AgentBudget {
  /** Of everything since the user's newest message. @default no limit */
  tokensPerTurnMax?: number;
  /** Of the whole thread, as far as its messages tell. @default no limit */
  tokensPerThreadMax?: number;
  /** Tokens set aside for the answer to come. @default 1,000 */
  outputTokensReserved?: number;
}

/** What happens where a budget has no room. */
export interface BudgetOptions extends AgentBudget {
  /**
   * Called instead: a model, or its spec. Without it the one that a budget of the server's names, if it names one. A limit given here
   * stops it, too, at twice the limit.
   */
  cheaperModel?: BaseChatModel | string;
  /** `answer`: the agent says `exceededText` and ends its turn. `error`: {@link AgentBudgetError}. @default "error" */
  onExceeded?: "answer" | "error";
  exceededText?: string;
}

/** A budget has no room for a call, which was not made. */
export class AgentBudgetError extends Error {
  /** Stable, machine-readable reason; the same as of the server's budgets. */
  readonly code = "budget_exceeded";

  constructor(message: string) {
    super(message);
    this.name = "AgentBudgetError";
  }
}

const outputTokensReservedDefault = 1_000;
const exceededTextDefault = "I have to stop here: the budget for this conversation is used up.";
const cheaperFactor = 2;

/**
 * Why a call would be over the budget, or nothing if there is room. A plain function for graphs of your own.
 * @param inputTokens of the prompt, estimated
 */
export function budgetProblem(
  messages: BaseMessage[],
  inputTokens: number,
  budget: AgentBudget,
  factor = 1,
): string | undefined {
  const wanted = inputTokens + (budget.outputTokensReserved ?? outputTokensReservedDefault);
  const check = (name: string, part: BaseMessage[], max: number | undefined) => {
    const { inputTokens: input, outputTokens: output } = usageOf(part);
    if (max === undefined || input + output + wanted <= max * factor) return undefined;
    return `The token budget of this ${name} has no room for a call of about ${wanted} tokens: ${input + output} of ${max * factor} are used.`;
  };
  return (
    check("turn", newestTurn(messages), budget.tokensPerTurnMax) ?? check("thread", messages, budget.tokensPerThreadMax)
  );
}

/**
 * Keeps the budgets of an agent made with createAgent, and turns to a cheaper model when they, or those of a Holdfast server, have no
 * room for the agent's own. Put it last, so that it sees what is really sent.
 */
export function budgetMiddleware(options: BudgetOptions = {}) {
  const models = new Map<string, Promise<BaseChatModel>>();
  const toModel = (model: BaseChatModel | string): Promise<BaseChatModel> => {
    if (typeof model !== "string") return Promise.resolve(model);
    const made = models.get(model) ?? createModel(model);
    models.set(model, made);
    made.catch(() => models.delete(model));
    return made;
  };
  return createMiddleware({
    name: "Budget",
    wrapModelCall: async (request, handler) => {
      const history = request.state.messages as BaseMessage[];
      const inputTokens =
        estimateTokens(request.messages) +
        estimateTextTokens(request.systemMessage?.text ?? "") +
        estimateTools(request.tools);
      const problem = budgetProblem(history, inputTokens, options);
      let failure: Error | undefined = problem === undefined ? undefined : new AgentBudgetError(problem);
      if (failure === undefined) {
        try {
          return await handler(request);
        } catch (error) {
          if (!isBudgetExceeded(error)) throw error;
          failure = error;
        }
      }
      const cheaper = options.cheaperModel ?? findRefusal(failure)?.cheaperModel;
      if (cheaper !== undefined && budgetProblem(history, inputTokens, options, cheaperFactor) === undefined) {
        try {
          return await handler({ ...request, model: await toModel(cheaper) });
        } catch (error) {
          if (!isBudgetExceeded(error)) throw error;
          failure = error;
        }
      }
      if (options.onExceeded === "answer") return new AIMessage(options.exceededText ?? exceededTextDefault);
      throw failure;
    },
  });
}

/** Whether a call was refused by a budget, of the kit's or of a server's; middleware of LangChain's wraps errors in others. */
export function isBudgetExceeded(error: unknown): error is Error {
  return findRefusal(error) !== undefined;
}

function findRefusal(error: unknown, depthMax = 4): (Error & { cheaperModel?: string }) | undefined {
  if (!(error instanceof Error) || depthMax === 0) return undefined;
  if ((error as { code?: unknown }).code === "budget_exceeded") return error;
  return findRefusal(error.cause, depthMax - 1);
}

function estimateTools(tools: unknown[]): number {
  return tools.reduce<number>((sum, tool) => {
    const { name = "", description = "" } = tool as { name?: string; description?: string };
    return sum + estimateTextTokens(`${name}${description}`) + toolShapeTokens;
  }, 0);
}

/** What a tool's schema costs beside its name and description, by and large. */
const toolShapeTokens = 40;
