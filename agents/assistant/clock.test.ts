// Times at places, by name of city or zone.
import { describe, expect, it } from "vitest";
import { describeTime, findTimeZone } from "./clock.ts";

const now = new Date("2026-07-01T12:00:00Z");

describe("clock", () => {
  it.each([
    ["Tokyo", "Asia/Tokyo"],
    ["new york", "America/New_York"],
    ["San Francisco", "America/Los_Angeles"],
    ["São Paulo", "America/Sao_Paulo"],
    ["Europe/Berlin", "Europe/Berlin"],
    ["UTC", "UTC"],
    ["Atlantis", undefined],
  ])("%s is in %s", (place, zone) => {
    expect(findTimeZone(place)).toBe(zone);
  });

  it("tells date, time and offset, summer time included", () => {
    expect(describeTime("Berlin", now)).toBe(
      "In Berlin (Europe/Berlin, GMT+02:00) it is Wednesday 1 July 2026, 14:00.",
    );
    expect(describeTime("Kathmandu", now)).toContain("GMT+05:45) it is Wednesday 1 July 2026, 17:45.");
    expect(describeTime("UTC", now)).toContain("GMT+00:00");
  });

  it("names similar places for an unknown one", () => {
    expect(describeTime("Tokio", now)).toContain("Asia/Tokyo");
    expect(describeTime("Atlantis", now)).toContain('No time zone is known for "Atlantis".');
  });
});
