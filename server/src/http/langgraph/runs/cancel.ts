// POST /runs/cancel
import { z } from "@hono/zod-openapi";
import { InvalidRequestError } from "../../../domain/errors.ts";
import { omitUndefined } from "../../../domain/json.ts";
import type { RunStatus } from "../../../domain/run.ts";
import { defineOperation, failures } from "../../operation.ts";
import { uuidSchema } from "../../wire.ts";
import { cancelActionSchema } from "./run-wire.ts";

/** Runs one request may name. */
const RUNS_MAX = 1_000;

const STATUSES: Record<"pending" | "running" | "all", RunStatus[]> = {
  pending: ["pending"],
  running: ["running"],
  all: ["pending", "running"],
};

export const cancelRuns = defineOperation({
  method: "post",
  path: "/runs/cancel",
  tag: "Stateless runs",
  summary: "Cancel several runs",
  description: "Either runs by id, or all that are `pending`, `running` or both (`all`), of one thread or of all.",
  query: z.object({ action: cancelActionSchema.default("interrupt") }),
  body: z.object({
    thread_id: uuidSchema.nullish(),
    run_ids: z.array(uuidSchema).max(RUNS_MAX).nullish(),
    status: z.enum(["pending", "running", "all"]).nullish(),
  }),
  bodyExample: { thread_id: "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21", status: "all" },
  answers: { 204: { description: "Asked for" }, ...failures(404) },
  async handle({ query, body, services, authorize, context }) {
    const { thread_id, run_ids, status } = body;
    if (!run_ids?.length && !status)
      throw new InvalidRequestError("body: give run_ids, or status pending, running or all");
    const { action } = query;
    const value = omitUndefined({ thread_id: thread_id ?? undefined, run_ids: run_ids ?? undefined, action });
    const access = await authorize("threads", "update", value);
    const target = omitUndefined({
      threadId: thread_id ?? undefined,
      runIds: run_ids?.length ? run_ids : undefined,
      statuses: status ? STATUSES[status] : undefined,
    });
    await services.engine.cancelRuns(target, action, access);
    return context.body(null, 204);
  },
});
