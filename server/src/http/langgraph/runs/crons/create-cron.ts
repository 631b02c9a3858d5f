// Makes a cron, on a thread or with a thread for each run; what both doors have in common.
import type { Cron } from "../../../../domain/cron.ts";
import type { JsonObject } from "../../../../domain/json.ts";
import type { Caller } from "../../../operation.ts";
import { resolveAssistantId } from "../../assistants/assistant-wire.ts";
import { requireThread } from "../../threads/thread-wire.ts";
import { authorizeRun, trustedKeys } from "../create-run.ts";
import { type CronCreateBody, findNextTick, toEndTime, toPayload, toStoredRequest } from "./cron-wire.ts";

/** @throws ForbiddenError, NotFoundError, InvalidRequestError for a schedule or time zone that does not exist */
export async function createCron(caller: Caller, body: CronCreateBody, threadId?: string): Promise<Cron> {
  const { services, principal, authorize, creation } = caller;
  const timezone = body.timezone ?? null;
  const endTime = toEndTime(body.end_time);
  const nextRunAt = findNextTick(body.schedule, timezone, endTime);
  const cronId = creation.mintId();
  const userId = principal.isAuthenticated ? principal.identity : null;
  const value: JsonObject = {
    cron_id: cronId,
    thread_id: threadId ?? null,
    user_id: userId,
    schedule: body.schedule,
    end_time: body.end_time ?? null,
    metadata: body.metadata ?? {},
    payload: toPayload(body),
  };
  await authorize("crons", "create", value);
  // The runs of a cron are its creator's, so its creator must be allowed to make them.
  const run = await authorizeRun(caller, { ...body, ...(value.payload as CronCreateBody) }, threadId);
  if (threadId !== undefined) await requireThread(services, threadId, run.access);
  const payload = toPayload(run.body);
  const { metadata: _, ...withoutMetadata } = payload;
  return services.crons.createCron({
    cronId,
    assistantId: resolveAssistantId(services, run.body.assistant_id),
    threadId: threadId ?? null,
    schedule: body.schedule,
    timezone,
    endTime,
    nextRunAt,
    payload,
    runRequest: toStoredRequest(withoutMetadata, trustedKeys(caller)),
    metadata: { ...(value.metadata as JsonObject), ...run.body.metadata },
    userId,
    isEnabled: body.enabled ?? true,
    onRunCompleted: body.on_run_completed ?? "delete",
  });
}
