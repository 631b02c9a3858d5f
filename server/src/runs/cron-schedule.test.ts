// When crons tick: fields, time zones, days on which clocks change, and what is no schedule.
import { expect, test } from "vitest";
import { InvalidRequestError } from "../domain/errors.ts";
import { nextTick, parseSchedule } from "./cron-schedule.ts";

function ticks(schedule: string, timezone: string | null, from: string, count: number): string[] {
  const parsed = parseSchedule(schedule, timezone);
  const found: string[] = [];
  let time: Date | null = new Date(from);
  while (found.length < count) {
    time = parsed.nextAfter(time);
    if (time === null) return found;
    found.push(time.toISOString().replace(":00.000Z", "Z"));
  }
  return found;
}

test.each([
  ["*/20 * * * *", null, "2026-01-01T10:05:00Z", ["2026-01-01T10:20Z", "2026-01-01T10:40Z", "2026-01-01T11:00Z"]],
  ["0 9 * * 1-5", "Europe/Berlin", "2026-01-02T12:00:00Z", ["2026-01-05T08:00Z", "2026-01-06T08:00Z"]],
  ["0 9 1,15 * *", "America/New_York", "2026-06-02T00:00:00Z", ["2026-06-15T13:00Z", "2026-07-01T13:00Z"]],
  ["30 5 29 2 *", null, "2026-01-01T00:00:00Z", ["2028-02-29T05:30Z"]],
  ["0 0 13 * FRI", null, "2026-11-01T00:00:00Z", ["2026-11-06T00:00Z", "2026-11-13T00:00Z", "2026-11-20T00:00Z"]],
  ["@daily", "Asia/Kolkata", "2026-01-01T00:00:00Z", ["2026-01-01T18:30Z"]],
  ["  5  4 * *   0 ", null, "2026-01-01T00:00:00Z", ["2026-01-04T04:05Z", "2026-01-11T04:05Z"]],
])("%s in %s after %s", (schedule, timezone, from, expected) => {
  expect(ticks(schedule, timezone, from, expected.length)).toEqual(expected);
});

test("a fixed time that the clock skips comes right after the gap, one that it repeats comes once", () => {
  // Berlin 2026: 02:00 becomes 03:00 on 29 March, 03:00 becomes 02:00 on 25 October.
  expect(ticks("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3)).toEqual([
    "2026-03-28T01:30Z",
    "2026-03-29T01:00Z",
    "2026-03-30T00:30Z",
  ]);
  expect(ticks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)).toEqual([
    "2026-10-25T00:30Z",
    "2026-10-26T01:30Z",
  ]);
});

test("ticks at intervals go on through both kinds of night", () => {
  expect(ticks("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:29:00Z", 4)).toEqual([
    "2026-03-29T00:30Z",
    "2026-03-29T01:00Z",
    "2026-03-29T01:30Z",
    "2026-03-29T02:00Z",
  ]);
  expect(ticks("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4)).toEqual([
    "2026-10-25T00:00Z",
    "2026-10-25T01:00Z",
    "2026-10-25T02:00Z",
    "2026-10-25T03:00Z",
  ]);
});

test("the local time stays the same all year, whatever the zone", () => {
  for (const [zone, winter, summer] of [
    ["America/New_York", "14:00", "13:00"],
    ["Australia/Lord_Howe", "22:00", "22:30"],
    ["Asia/Tokyo", "00:00", "00:00"],
  ] as const) {
    expect(ticks("0 9 15 1 *", zone, "2026-01-01T00:00:00Z", 1)[0]).toContain(winter);
    expect(ticks("0 9 15 7 *", zone, "2026-06-01T00:00:00Z", 1)[0]).toContain(summer);
  }
});

test("no tick is after the end", () => {
  const hourly = parseSchedule("0 * * * *", null);
  const at = (text: string) => new Date(`2026-01-01T${text}:00Z`);
  expect(nextTick(hourly, at("10:30"), at("11:00"))).toEqual(at("11:00"));
  expect(nextTick(hourly, at("11:00"), at("11:30"))).toBeNull();
  expect(nextTick(hourly, at("11:00"), null)).toEqual(at("12:00"));
});

test.each([
  "",
  "* * * *",
  "* * * * * *",
  "60 * * * *",
  "* 24 * * *",
  "* * 0 * *",
  "* * * 13 *",
  "a b c d e",
  "*/0 * * * *",
  "5-1 * * * *",
  "@reboot",
  "@every 5s",
  "2026-01-01T00:00:00",
])("%j is refused", (schedule) => {
  expect(() => parseSchedule(schedule, null)).toThrow(InvalidRequestError);
});

test("a time zone that does not exist is refused, a schedule that never ticks has no tick", () => {
  expect(() => parseSchedule("* * * * *", "Mars/Olympus")).toThrow('"Mars/Olympus" is not an IANA time zone');
  expect(() => parseSchedule("* * * * *", "")).toThrow(InvalidRequestError);
  expect(parseSchedule("0 0 31 2 *", null).nextAfter(new Date())).toBeNull();
});
