// The limits that a guarded tool keeps, with their defaults.
import { type Backoff, defaultBackoff } from "../retries/backoff.ts";
import { classifyError, type ErrorClass } from "../retries/error-class.ts";

/** Limits of a tool. Everything may be left out. */
export interface ToolLimits {
  /** Longest time of one try, in milliseconds. @default 30,000 */
  timeoutMs?: number;
  /** Whether calling twice has the effect of calling once. Without it a call whose outcome is unknown is never repeated. @default false */
  isIdempotent?: boolean;
  /** Most retries after an error that allows one. @default 2 */
  retriesMax?: number;
  /** Waits between tries. @default up to 0.5 s, 1 s, 2 s, … 20 s */
  backoff?: Backoff;
  /** What an error says about trying again. @default by HTTP status and network error code */
  classifyError?: (error: unknown) => ErrorClass;
  /** Longest output given to the model, in characters; more is cut out of the middle, and the output says so. @default 20,000 */
  outputCharactersMax?: number;
  /** Most calls of this tool at once in this process; others wait their turn. A call left behind after its time no longer counts. @default 8 */
  concurrentCallsMax?: number;
  /** How often the same call (tool and arguments) may fail in one turn before it is refused. @default 2 */
  sameFailuresMax?: number;
  /** Whether only one call of the tool may be made in one answer of the model; the others are not run. @default false */
  isExclusive?: boolean;
  /** How many tool calls may fail in one turn before all further calls are refused. @default 8 */
  failuresPerTurnMax?: number;
}

/** Default limits. */
export const defaultToolLimits: Required<ToolLimits> = {
  timeoutMs: 30_000,
  isIdempotent: false,
  retriesMax: 2,
  backoff: defaultBackoff,
  classifyError,
  outputCharactersMax: 20_000,
  concurrentCallsMax: 8,
  sameFailuresMax: 2,
  isExclusive: false,
  failuresPerTurnMax: 8,
};
