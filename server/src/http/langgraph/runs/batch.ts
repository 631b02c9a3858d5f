// POST /runs/batch
import { z } from "@hono/zod-openapi";
import type { Run } from "../../../domain/run.ts";
import { defineOperation, failures } from "../../operation.ts";
import { createRun } from "./create-run.ts";
import { statelessRunCreateSchema } from "./run-create-body.ts";
import { presentRun, runSchema } from "./run-wire.ts";

/** Runs one request may bring. */
const BATCH_SIZE_MAX = 500;

export const createRunBatch = defineOperation({
  method: "post",
  path: "/runs/batch",
  tag: "Stateless runs",
  summary: "Start several runs without threads",
  description: "In the order given. A run that is refused ends the batch; those before it stay.",
  body: z.array(statelessRunCreateSchema).min(1).max(BATCH_SIZE_MAX),
  answers: { 200: { description: "The runs", schema: z.array(runSchema) }, ...failures(404) },
  idempotency: "body",
  async handle(call) {
    const runs: Run[] = [];
    for (const body of call.body) runs.push(await createRun(call, { body }));
    return call.context.json(runs.map(presentRun));
  },
});
