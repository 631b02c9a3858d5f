// Support triage as an explicit graph: a router, one drafting node per kind of request, checks, and a bounded correction loop.
import { createModel, selectModel } from "@holdfast/kit";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { END, START, StateGraph } from "@langchain/langgraph";
import { z } from "zod";
import { fallbackAnswer, findProblems, type RequestKind, referenceFor } from "./reply-rules.ts";
import { triageContext, triageState } from "./state.ts";

const correctionsMaxDefault = 2;

const routing = z.object({
  kind: z
    .enum(["billing", "technical", "general"])
    .describe(
      "billing: invoice, bill, refund, charge, charged, payment, price; technical: error, crash, crashes, bug, fails, broken, login, slow; general: anything else",
    ),
});

const instructions: Record<RequestKind, string> = {
  billing: "Answer a request about money. State no amounts that the customer did not state.",
  technical: "Answer a technical request. Ask for what is missing to reproduce the problem.",
  general: "Answer a general request in a friendly way.",
};

type State = typeof triageState.State;

function requestText(messages: BaseMessage[]): string {
  return messages.findLast((message) => HumanMessage.isInstance(message))?.text ?? "";
}

/**
 * Builds the graph around a model. A run's context may set `correctionsMax` (default 2, from 0 to 5).
 * @param model drafts the answers and routes the requests.
 */
export function buildTriageGraph(model: BaseChatModel) {
  const route = async (state: State, config: RunnableConfig) => {
    const request = requestText(state.messages);
    const { kind } = await model
      .withStructuredOutput(routing)
      .invoke([new HumanMessage(request)], { ...config, tags: ["nostream"] });
    return { kind, reference: referenceFor(kind, request), draft: "", problems: [], correctionsCount: 0 };
  };

  const draft = (kind: RequestKind) => async (state: State, config: RunnableConfig) => {
    const prompt = [new SystemMessage(instructions[kind]), new HumanMessage(requestText(state.messages))];
    const answer = await model.invoke(prompt, { ...config, tags: ["nostream"] });
    return { draft: answer.text };
  };

  const validate = (state: State) => ({ problems: findProblems(state.draft, state.kind, state.reference) });

  const correct = async (state: State, config: RunnableConfig) => {
    const complaints = state.problems.map((problem) => `- ${problem}`).join("\n");
    const prompt = [
      new SystemMessage(instructions[state.kind]),
      new HumanMessage(requestText(state.messages)),
      new AIMessage(state.draft || "(empty)"),
      new HumanMessage(`Write the answer again. It was refused:\n${complaints}`),
    ];
    const answer = await model.invoke(prompt, { ...config, tags: ["nostream"] });
    return { draft: answer.text, correctionsCount: state.correctionsCount + 1 };
  };

  const answer = (state: State) => {
    const text = state.problems.length === 0 ? state.draft : fallbackAnswer(state.kind, state.reference);
    return { messages: [new AIMessage(text)] };
  };

  const afterValidation = (state: State, config: RunnableConfig & { context?: { correctionsMax?: number } }) => {
    const correctionsMax = config.context?.correctionsMax ?? correctionsMaxDefault;
    return state.problems.length > 0 && state.correctionsCount < correctionsMax ? "correct" : "answer";
  };

  return new StateGraph(triageState, triageContext)
    .addNode("route", route)
    .addNode("billing", draft("billing"))
    .addNode("technical", draft("technical"))
    .addNode("general", draft("general"))
    .addNode("validate", validate)
    .addNode("correct", correct)
    .addNode("answer", answer)
    .addEdge(START, "route")
    .addConditionalEdges("route", (state) => state.kind, ["billing", "technical", "general"])
    .addEdge("billing", "validate")
    .addEdge("technical", "validate")
    .addEdge("general", "validate")
    .addConditionalEdges("validate", afterValidation, ["correct", "answer"])
    .addEdge("correct", "validate")
    .addEdge("answer", END);
}

/** The triage graph, with the model that the environment selects. */
export const graph = buildTriageGraph(await createModel(selectModel().spec)).compile();
