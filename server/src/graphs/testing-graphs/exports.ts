// Every kind of export a graph can be, and some it cannot, for tests of loading.
import { Annotation, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ text: Annotation<string> });

function build(node: string) {
  return new StateGraph(State).addNode(node, () => ({ text: node })).addEdge(START, node as typeof START);
}

interface Config {
  configurable: Record<string, unknown>;
}

interface Runtime {
  accessContext: string;
  executionRuntime: { context: { who: string } } | null;
}

function describe({ configurable }: Config, { accessContext, executionRuntime }: Runtime): string {
  return `${configurable.name} ${accessContext} ${executionRuntime?.context.who ?? "nobody"}`;
}

export const compiled = build("node").compile();
export const builder = build("node");
export const promised = Promise.resolve(compiled);
export const factory = (config: Config, runtime: Runtime) => build(describe(config, runtime));
export const asyncFactory = async (config: Config, runtime: Runtime) => build(describe(config, runtime)).compile();
export const brokenFactory = () => {
  throw new TypeError("no key");
};
export const emptyFactory = () => undefined;
export const plain = { hello: "world" };
export const number = 42;
