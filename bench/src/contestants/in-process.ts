// The baseline: the same graph called directly behind a bare Hono route with the official PostgresSaver. No queue, no fence, no events.

import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { Hono } from "hono";
import { tsImport } from "tsx/esm/api";

const { PORT, DATABASE_URL } = process.env;
const { graph } = (await tsImport(
  fileURLToPath(new URL("../../graphs/instant.ts", import.meta.url)),
  import.meta.url,
)) as {
  graph: { checkpointer: unknown; invoke(input: unknown, config: unknown): Promise<unknown> };
};
const checkpointer = PostgresSaver.fromConnString(DATABASE_URL!);
await checkpointer.setup();
graph.checkpointer = checkpointer;

const app = new Hono();
app.get("/ok", (context) => context.json({ ok: true }));
app.post("/threads/:threadId/runs/wait", async (context) => {
  const { input } = await context.req.json();
  const result = await graph.invoke(input, { configurable: { thread_id: context.req.param("threadId") } });
  return context.json(result as object);
});
app.get("/threads/:threadId/state", async (context) => {
  const reader = graph as unknown as { getState(config: unknown): Promise<{ values: object }> };
  const state = await reader.getState({ configurable: { thread_id: context.req.param("threadId") } });
  return context.json({ values: state.values });
});
serve({ fetch: app.fetch, port: Number(PORT), hostname: "127.0.0.1" });
