// GET /info
import { z } from "@hono/zod-openapi";
import { defineOperation } from "../operation.ts";
import { jsonObjectSchema } from "../wire.ts";

export const getInfo = defineOperation({
  method: "get",
  path: "/info",
  tag: "System",
  summary: "Describe the server",
  description: "Versions and the features that are switched on, under the keys of every LangGraph server.",
  answers: {
    200: {
      description: "Versions and features",
      schema: z.object({
        version: z.string(),
        langgraph_js_version: z.string(),
        langgraph_py_version: z.string().nullable(),
        context: z.literal("js"),
        flags: z.record(z.string(), z.boolean()),
        host: jsonObjectSchema,
        metadata: jsonObjectSchema,
      }),
    },
  },
  isOpen: true,
  handle({ services, context }) {
    const { version, langgraphVersion, flags } = services.info;
    return context.json({
      version,
      langgraph_js_version: langgraphVersion,
      langgraph_py_version: null,
      context: "js",
      flags: {
        assistants: true,
        crons: true,
        langsmith: false,
        langsmith_tracing_replicas: false,
        stream_namespaces: true,
        strict_resume: true,
        ...flags,
      },
      host: { kind: "self-hosted" },
      metadata: { server: "holdfast" },
    });
  },
});
