// Tells what a node knows of the caller, disguised: so tests see that it knew, and that nothing else gave it away.
import { Annotation, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  caller: Annotation<string>,
  role: Annotation<string>,
  permissions: Annotation<number>,
});

/** Backwards, so that the text is not found as it is. */
function disguise(text: string): string {
  return [...text].reverse().join("");
}

export const graph = new StateGraph(State)
  .addNode("tell", (_state, config: LangGraphRunnableConfig) => {
    const { langgraph_auth_user: user, langgraph_auth_user_id: id, langgraph_auth_permissions } = config.configurable!;
    config.writer?.({ knows: typeof user });
    return {
      caller: disguise(String(id ?? "nobody")),
      role: disguise(String(user?.role ?? "none")),
      permissions: langgraph_auth_permissions?.length ?? -1,
    };
  })
  .addEdge(START, "tell")
  .compile();
