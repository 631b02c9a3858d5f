// Turns pino's JSON lines into short lines for a person at a terminal.

const LEVEL_NAMES: Record<number, string> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};
const LEVEL_COLORS: Record<number, string> = { 40: "\u001b[33m", 50: "\u001b[31m", 60: "\u001b[31m" };
const RESET = "\u001b[0m";
const DIM = "\u001b[2m";

/** One JSON log line as text; a line that is not JSON is passed through. */
export function formatLogLine(line: string, hasColors: boolean): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { level, time, subsystem, msg, err, ...fields } = entry;
  const name = (LEVEL_NAMES[Number(level)] ?? String(level)).padEnd(5);
  const paint = (color: string, text: string) => (hasColors && color !== "" ? `${color}${text}${RESET}` : text);
  const parts = [
    paint(DIM, new Date(Number(time)).toISOString().slice(11, 23)),
    paint(LEVEL_COLORS[Number(level)] ?? "", name),
    ...(typeof subsystem === "string" ? [`[${subsystem}]`] : []),
    String(msg ?? ""),
  ];
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${formatField(value)}`);
  if (rest.length > 0) parts.push(paint(DIM, rest.join(" ")));
  return `${parts.join(" ")}${formatFailure(err)}\n`;
}

function formatField(value: unknown): string {
  return typeof value === "string" && !/\s/.test(value) ? value : JSON.stringify(value);
}

function formatFailure(failure: unknown): string {
  if (typeof failure !== "object" || failure === null) return "";
  const { stack, message } = failure as { stack?: unknown; message?: unknown };
  return `\n${String(stack ?? message ?? "")}`;
}
