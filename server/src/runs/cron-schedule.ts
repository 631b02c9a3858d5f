// When a cron ticks: a five-field expression in a time zone, daylight saving included.
import { Cron as CronExpression } from "croner";
import { InvalidRequestError } from "../domain/errors.ts";

/** The library reads more than this (seconds, single dates), which other servers would not. */
const FIVE_FIELDS = /^\S+(\s+\S+){4}$/;
const NICKNAME = /^@(yearly|annually|monthly|weekly|daily|hourly)$/i;

/** One cron's ticks. */
export interface CronSchedule {
  /** The first tick after `time`; `null` when there is none. */
  nextAfter(time: Date): Date | null;
}

/**
 * Days of month and of week are joined by "or" where both are given, as in every cron. Where clocks are put forward, a tick
 * at a fixed time within the gap comes right after it; where they are put back, it comes once, and ticks at intervals go on.
 * @param timezone IANA name; `null` is UTC
 * @throws InvalidRequestError for an expression or time zone that does not exist, and for one that never ticks
 */
export function parseSchedule(schedule: string, timezone: string | null): CronSchedule {
  requireTimezone(timezone);
  const text = schedule.trim();
  if (!FIVE_FIELDS.test(text) && !NICKNAME.test(text)) throw invalidSchedule(schedule, "five fields are needed");
  let expression: CronExpression;
  try {
    expression = new CronExpression(text, {
      paused: true,
      timezone: timezone ?? "UTC",
      mode: "5-part",
      // As Vixie cron: `30 2,14 * * *` names fixed times too.
      fixedTimeRule: "no-wildcard",
    });
  } catch (error) {
    throw invalidSchedule(schedule, error instanceof Error ? error.message : "it cannot be read");
  }
  return { nextAfter: (time) => expression.nextRun(time) };
}

/** The first tick after `time` that is not after the end. */
export function nextTick(schedule: CronSchedule, time: Date, endTime: Date | null): Date | null {
  const next = schedule.nextAfter(time);
  return next !== null && endTime !== null && next > endTime ? null : next;
}

function requireTimezone(timezone: string | null): void {
  if (timezone === null) return;
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
  } catch {
    throw new InvalidRequestError(`timezone: ${JSON.stringify(timezone)} is not an IANA time zone`);
  }
}

function invalidSchedule(schedule: string, reason: string): InvalidRequestError {
  return new InvalidRequestError(`schedule: ${JSON.stringify(schedule)} is not a cron expression: ${reason}`);
}
