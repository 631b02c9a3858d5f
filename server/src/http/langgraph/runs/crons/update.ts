// PATCH /runs/crons/{cron_id}
import type { Cron, CronChanges } from "../../../../domain/cron.ts";
import type { JsonObject } from "../../../../domain/json.ts";
import { defineOperation, failures } from "../../../operation.ts";
import {
  type CronUpdateBody,
  cronPathSchema,
  cronSchema,
  cronUpdateSchema,
  findNextTick,
  presentCron,
  toEndTime,
  toPayload,
  toStoredRequest,
} from "./cron-wire.ts";

export const updateCron = defineOperation({
  method: "patch",
  path: "/runs/crons/{cron_id}",
  tag: "Crons",
  summary: "Update a cron",
  description: "`metadata` is merged at the top level, other fields are replaced; `end_time: null` takes the end away.",
  params: cronPathSchema,
  body: cronUpdateSchema,
  answers: { 200: { description: "The cron", schema: cronSchema }, ...failures(404) },
  async handle({ params, body, services, authorize, context }) {
    const { assistant_id: _, ...changes } = body;
    const value: JsonObject = { ...changes, cron_id: params.cron_id, payload: toPayload(changes) };
    const access = await authorize("crons", "update", value);
    const changed = { ...changes, ...(value.payload as CronUpdateBody) };
    if (changed.webhook) services.webhooks.requireAllowed(changed.webhook);
    const cron = await services.crons.updateCron(params.cron_id, (found) => applyChanges(found, changed), access);
    return context.json(presentCron(cron));
  },
});

/** The next tick moves only where what it follows from has changed: one that is due this moment must not be lost. */
function applyChanges(cron: Cron, body: CronUpdateBody): CronChanges {
  const schedule = body.schedule ?? cron.schedule;
  const timezone = body.timezone === undefined ? cron.timezone : body.timezone;
  const endTime = body.end_time === undefined ? cron.endTime : toEndTime(body.end_time);
  const isEnabled = body.enabled ?? cron.isEnabled;
  const isMoved =
    schedule !== cron.schedule ||
    timezone !== cron.timezone ||
    endTime?.getTime() !== cron.endTime?.getTime() ||
    (isEnabled && !cron.isEnabled);
  const payload = { ...cron.payload, ...toPayload(body) };
  const metadata = { ...cron.metadata, ...body.metadata };
  const { metadata: _, ...withoutMetadata } = payload;
  return {
    schedule,
    timezone,
    endTime,
    isEnabled,
    nextRunAt: isMoved ? findNextTick(schedule, timezone, endTime) : cron.nextRunAt,
    payload: { ...payload, metadata },
    runRequest: toStoredRequest(withoutMetadata, cron.runRequest.trustedConfigurable),
    metadata,
    onRunCompleted: body.on_run_completed ?? cron.onRunCompleted,
  };
}
