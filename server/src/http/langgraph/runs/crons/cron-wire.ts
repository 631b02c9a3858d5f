// A cron between the wire and our words: schemas, presenting, and what its runs are asked to do.
import { z } from "@hono/zod-openapi";
import type { Cron, CronSortKey } from "../../../../domain/cron.ts";
import { InvalidRequestError, NotFoundError } from "../../../../domain/errors.ts";
import { isUuid, systemAssistantId } from "../../../../domain/ids.ts";
import { type JsonObject, omitUndefined } from "../../../../domain/json.ts";
import { nextTick, parseSchedule } from "../../../../runs/cron-schedule.ts";
import type { HttpServices } from "../../../http-services.ts";
import { jsonObjectSchema, metadataSchema, presentGraphConfig, toGraphConfig, uuidSchema } from "../../../wire.ts";
import { type RunCreateBody, runCreateSchema, toRunRequest } from "../run-create-body.ts";

const SCHEDULE_CHARS_MAX = 200;
const TIMEZONE_CHARS_MAX = 100;

export const cronPathSchema = z.object({ cron_id: uuidSchema });

const scheduleSchema = z
  .string()
  .max(SCHEDULE_CHARS_MAX)
  .openapi({ description: "Minute, hour, day of month, month, day of week.", example: "30 8 * * 1-5" });

/** What a cron has besides what every run has. */
const cronFields = {
  timezone: z
    .string()
    .max(TIMEZONE_CHARS_MAX)
    .nullish()
    .openapi({ description: "IANA name; UTC without it.", example: "Europe/Berlin" }),
  end_time: z.iso.datetime({ offset: true, local: true }).nullish(),
  enabled: z.boolean().nullish(),
  on_run_completed: z.enum(["delete", "keep"]).nullish(),
};

/** Fields of a run that make no sense for one that starts again and again. */
const runFields = runCreateSchema.omit({
  after_seconds: true,
  checkpoint: true,
  checkpoint_id: true,
  if_not_exists: true,
  on_disconnect: true,
  strict_resume: true,
}).shape;

export const cronCreateSchema = z
  .object({ ...runFields, schedule: scheduleSchema, ...cronFields })
  .openapi("CronCreate", {
    example: { assistant_id: "agent", schedule: "30 8 * * 1-5", timezone: "Europe/Berlin", input: { messages: [] } },
  });

export const cronUpdateSchema = z
  .object({ ...runFields, schedule: scheduleSchema, ...cronFields })
  .partial()
  .openapi("CronUpdate", { example: { schedule: "0 9 * * *", enabled: true } });

export type CronCreateBody = z.output<typeof cronCreateSchema>;
export type CronUpdateBody = z.output<typeof cronUpdateSchema>;

export const cronSchema = z
  .object({
    cron_id: uuidSchema,
    assistant_id: uuidSchema,
    thread_id: uuidSchema.nullable(),
    on_run_completed: z.enum(["delete", "keep"]),
    schedule: z.string(),
    timezone: z.string().nullable(),
    end_time: z.iso.datetime().nullable(),
    next_run_date: z.iso.datetime().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    user_id: z.string().nullable(),
    payload: jsonObjectSchema,
    metadata: metadataSchema,
    enabled: z.boolean(),
  })
  .openapi("Cron", {
    example: {
      cron_id: "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21",
      assistant_id: "fe096781-5601-53d2-b2f6-0d3403f7e9ca",
      thread_id: null,
      on_run_completed: "delete",
      schedule: "30 8 * * 1-5",
      timezone: "Europe/Berlin",
      end_time: null,
      next_run_date: "2026-01-02T07:30:00.000Z",
      created_at: "2026-01-01T03:04:05.678Z",
      updated_at: "2026-01-01T03:04:05.678Z",
      user_id: null,
      payload: { assistant_id: "agent", input: { messages: [] } },
      metadata: {},
      enabled: true,
    },
  });

export const CRON_FIELDS = [
  "cron_id",
  "assistant_id",
  "thread_id",
  "on_run_completed",
  "end_time",
  "schedule",
  "timezone",
  "created_at",
  "updated_at",
  "user_id",
  "payload",
  "next_run_date",
  "metadata",
  "enabled",
] as const;

/** Sort keys on the wire and in our words. */
export const CRON_SORT_KEYS: Record<string, CronSortKey> = {
  cron_id: "cronId",
  assistant_id: "assistantId",
  thread_id: "threadId",
  next_run_date: "nextRunAt",
  end_time: "endTime",
  created_at: "createdAt",
  updated_at: "updatedAt",
};

export function presentCron(cron: Cron): JsonObject {
  return {
    cron_id: cron.cronId,
    assistant_id: cron.assistantId,
    thread_id: cron.threadId,
    on_run_completed: cron.onRunCompleted,
    schedule: cron.schedule,
    timezone: cron.timezone,
    end_time: cron.endTime?.toISOString() ?? null,
    next_run_date: cron.nextRunAt?.toISOString() ?? null,
    created_at: cron.createdAt.toISOString(),
    updated_at: cron.updatedAt.toISOString(),
    user_id: cron.userId,
    payload: cron.payload,
    metadata: cron.metadata,
    enabled: cron.isEnabled,
  };
}

/** What its runs are asked to do, as its creator said it; secrets that only the server may set are left out. */
export function toPayload(body: Partial<RunCreateBody>): JsonObject {
  const { schedule: _s, timezone: _t, end_time: _e, enabled: _n, on_run_completed: _o, ...run } = body as JsonObject;
  const config = body.config ? presentGraphConfig(toGraphConfig(body.config)) : undefined;
  return omitUndefined({ ...run, config });
}

/** The payload in the engine's words; which assistant, thread and metadata, the scheduler says at each tick. */
export function toStoredRequest(payload: JsonObject, trustedConfigurable: unknown): JsonObject {
  const request = toRunRequest(payload as RunCreateBody, undefined);
  return { ...omitUndefined({ ...request, trustedConfigurable }) };
}

/** A time without offset is UTC. */
export function toEndTime(text: string | null | undefined): Date | null {
  if (text === null || text === undefined) return null;
  return new Date(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
}

/** The next tick from now on. @throws InvalidRequestError for a schedule or time zone that does not exist or never ticks */
export function findNextTick(schedule: string, timezone: string | null, endTime: Date | null): Date | null {
  const parsed = parseSchedule(schedule, timezone);
  const now = new Date();
  if (parsed.nextAfter(now) === null)
    throw new InvalidRequestError(`schedule: ${JSON.stringify(schedule)} never ticks`);
  return nextTick(parsed, now, endTime);
}

export function cronNotFound(): NotFoundError {
  return new NotFoundError("Cron not found");
}

/** An assistant's id where a graph's may stand for its own assistant. @throws InvalidRequestError when it can be neither */
export function toAssistantId({ graphs }: HttpServices, text: string | null | undefined): string | undefined {
  if (text === null || text === undefined) return undefined;
  if (graphs.hasGraph(text)) return systemAssistantId(text);
  if (!isUuid(text)) throw new InvalidRequestError("body.assistant_id: must be a UUID or the id of a graph");
  return text;
}
