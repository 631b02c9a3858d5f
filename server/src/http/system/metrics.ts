// GET /metrics
import { z } from "@hono/zod-openapi";
import { defineOperation } from "../operation.ts";

export const getMetrics = defineOperation({
  method: "get",
  path: "/metrics",
  tag: "System",
  summary: "Read the metrics",
  query: z.object({ format: z.enum(["prometheus", "json"]).default("prometheus") }),
  answers: { 200: { description: "Prometheus' text format, or JSON", contentType: "text/plain", schema: z.string() } },
  isOpen: true,
  async handle({ query, services, context }) {
    const { registry } = services.metrics;
    if (query.format === "json") return context.json(await registry.getMetricsAsJSON());
    return context.body(await registry.metrics(), 200, { "content-type": registry.contentType });
  },
});
