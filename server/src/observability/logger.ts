// The logger: one root per process, one child per subsystem, secrets removed from every line.
import { type Logger, pino } from "pino";
import { formatLogLine } from "./pretty-log.ts";
import { redactSecrets } from "./redact.ts";

export type { Logger } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  level: LogLevel;
  /** Short coloured lines for a terminal instead of JSON. @default false */
  pretty?: boolean;
  /** Where lines go. @default process.stdout */
  destination?: { write(text: string): unknown; isTTY?: boolean };
}

/** The root logger of a process. Each subsystem takes its own child once: `subsystemLogger(root, "http")`. */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? process.stdout;
  const hasColors = destination.isTTY === true;
  const stream = options.pretty
    ? { write: (line: string) => void destination.write(formatLogLine(line, hasColors)) }
    : { write: (line: string) => void destination.write(line) };
  return pino({ level: options.level, base: null, hooks: { streamWrite: redactSecrets } }, stream);
}

/** The logger of one part of the server; its name stands in every line as `subsystem`. */
export function subsystemLogger(root: Logger, subsystem: string): Logger {
  return root.child({ subsystem });
}
