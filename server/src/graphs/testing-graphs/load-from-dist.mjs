// Run by load-graph.test.ts in a plain Node process, as the compiled server would: loads each graph named on the command line and says what came out.
import { StateGraph } from "@langchain/langgraph";

const [, , loaderUrl, ...specs] = process.argv;
const { loadGraph } = await import(loaderUrl);
const results = [];
for (const spec of specs) {
  const [projectDir, path, exportName] = spec.split("|");
  try {
    const loaded = await loadGraph({ path, exportName }, { projectDir });
    const graph = await loaded.instantiate(
      { configurable: {} },
      { accessContext: "assistants.read", executionRuntime: null },
    );
    const isShared = graph.builder instanceof StateGraph;
    const reloaded = await loadGraph({ path, exportName }, { projectDir, revision: 1 });
    const isReloaded =
      (await reloaded.instantiate(
        { configurable: {} },
        { accessContext: "assistants.read", executionRuntime: null },
      )) !== graph;
    results.push({ values: await graph.invoke({ text: "hi" }), isShared, isReloaded });
  } catch (error) {
    results.push({ name: error.name, code: error.code, message: error.message });
  }
}
process.stdout.write(JSON.stringify(results));
