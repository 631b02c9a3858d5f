// The in-memory dev server of LangGraph.js, serving the same graph.
import { fileURLToPath } from "node:url";
import { startServer } from "@langchain/langgraph-api/server";

await startServer({
  port: Number(process.env.PORT),
  host: "127.0.0.1",
  nWorkers: Number(process.env.HOLDFAST_SLOTS ?? 10),
  cwd: fileURLToPath(new URL("../../graphs", import.meta.url)),
  graphs: { instant: "./instant.ts:graph" },
});
