// Graphs whose state is declared in each way LangGraph knows, for tests of schemas.

import { FakeListChatModel } from "@langchain/core/utils/testing";
import {
  Annotation,
  MessagesAnnotation,
  MessagesValue,
  MessagesZodState,
  START,
  StateGraph,
  StateSchema,
} from "@langchain/langgraph";
import { withLangGraph } from "@langchain/langgraph/zod";
import { createAgent } from "langchain";
import { z } from "zod";
import { z as z3 } from "zod/v3";

export const stateSchema = new StateGraph(
  new StateSchema({ messages: MessagesValue, step: z.string(), count: z.number().default(0) }),
)
  .addNode("a", () => ({ step: "a" }))
  .addEdge(START, "a")
  .compile();

export const zod = new StateGraph(
  z.object({ name: z.string(), tags: z.array(z.string()).optional() }),
  z.object({ tenant: z.string() }),
)
  .addNode("a", () => ({ name: "a" }))
  .addEdge(START, "a")
  .compile();

export const zodMessages = new StateGraph(MessagesZodState.extend({ score: z3.number() }))
  .addNode("a", () => ({ score: 1 }))
  .addEdge(START, "a")
  .compile();

export const zodRegistry = new StateGraph(
  z.object({
    log: withLangGraph(z.array(z.string()), {
      reducer: { schema: z.string(), fn: (left: string[], right: string) => left.concat(right) },
      default: () => [],
      jsonSchemaExtra: { langgraph_type: "prompt" },
    }),
  }),
)
  .addNode("a", () => ({ log: "a" }))
  .addEdge(START, "a")
  .compile();

export const zod3 = new StateGraph(z3.object({ name: z3.string() }))
  .addNode("a", () => ({ name: "a" }))
  .addEdge(START, "a")
  .compile();

const Input = Annotation.Root({ question: Annotation<string> });
const Output = Annotation.Root({ answer: Annotation<string> });
const Whole = Annotation.Root({
  ...Input.spec,
  ...Output.spec,
  ...MessagesAnnotation.spec,
  tries: Annotation<number>({ reducer: (_left, right) => right, default: () => 0 }),
});

export const annotation = new StateGraph({ input: Input, output: Output, stateSchema: Whole })
  .addNode("a", () => ({ answer: "a" }))
  .addEdge(START, "a")
  .compile();

export const agent = createAgent({
  model: new FakeListChatModel({ responses: ["x"] }),
  tools: [],
  contextSchema: z.object({ userId: z.string() }),
});
