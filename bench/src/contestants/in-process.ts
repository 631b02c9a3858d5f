// The baseline: the same graphs called directly behind a bare Hono route with the official PostgresSaver. No queue, no fence, no events.

import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { Hono } from "hono";
import { tsImport } from "tsx/esm/api";

interface Graph {
  checkpointer: unknown;
  invoke(input: unknown, config: unknown): Promise<unknown>;
  getState(config: unknown): Promise<{ values: object }>;
  updateState(config: unknown, values: unknown, asNode: string): Promise<unknown>;
}

const { PORT, DATABASE_URL } = process.env;
const checkpointer = PostgresSaver.fromConnString(DATABASE_URL!);
await checkpointer.setup();
const graphs: Record<string, Graph> = { instant: await load("instant"), conversation: await load("conversation") };

async function load(name: string): Promise<Graph> {
  const file = fileURLToPath(new URL(`../../graphs/${name}.ts`, import.meta.url));
  const { graph } = (await tsImport(file, import.meta.url)) as { graph: Graph };
  graph.checkpointer = checkpointer;
  return graph;
}

const app = new Hono();
app.get("/ok", (context) => context.json({ ok: true }));
app.post("/threads", (context) => context.json({}));
app.post("/threads/:threadId/runs/wait", async (context) => {
  const { assistant_id, input } = await context.req.json();
  const config = { configurable: { thread_id: context.req.param("threadId") } };
  return context.json((await graphs[assistant_id]!.invoke(input, config)) as object);
});
app.get("/threads/:threadId/state", async (context) => {
  const state = await graphs.instant!.getState({ configurable: { thread_id: context.req.param("threadId") } });
  return context.json({ values: state.values });
});
app.post("/threads/:threadId/state", async (context) => {
  const { values, as_node } = await context.req.json();
  await graphs.instant!.updateState({ configurable: { thread_id: context.req.param("threadId") } }, values, as_node);
  return context.json({});
});
serve({ fetch: app.fetch, port: Number(PORT), hostname: "127.0.0.1" });
