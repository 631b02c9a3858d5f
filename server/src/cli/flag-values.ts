// Values of flags that several commands take: ids, ages, and how many rows to print.
import { InvalidArgumentError } from "commander";
import { isUuid } from "../domain/ids.ts";

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Most rows of one list. */
export const LIMIT_MAX = 10_000;

/** An age such as 90m, 36h, 30d or 8w, in milliseconds; undefined where the text is none. */
export function readAgeMs(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * UNIT_MS[unit!]!;
}

/** @throws InvalidArgumentError */
export function parseId(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError("It must be a UUID.");
  return text.toLowerCase();
}

/** @throws InvalidArgumentError */
export function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${LIMIT_MAX}.`);
  }
  return limit;
}
