// Recognising what PostgreSQL and its connection report.

/** SQLSTATE classes and codes that say "not now": connection trouble, shutdown, start-up, out of resources. */
const UNAVAILABLE_SQLSTATE = /^(08|53|57P0|58)/;

/** What Node and the driver say when the connection itself is the trouble. */
const UNAVAILABLE_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT",
  "ENOTFOUND",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EAI_AGAIN",
]);

const UNAVAILABLE_MESSAGES =
  /connection terminated|terminating connection|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|server closed the connection/i;

function fieldOf(error: unknown, field: string): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const value = (error as Record<string, unknown>)[field];
  return typeof value === "string" ? value : undefined;
}

/** Whether the database cannot be reached or cannot work now, so that trying again later can help. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = fieldOf(error, "code");
  if (code !== undefined && (UNAVAILABLE_CODES.has(code) || (code.length === 5 && UNAVAILABLE_SQLSTATE.test(code))))
    return true;
  return UNAVAILABLE_MESSAGES.test(fieldOf(error, "message") ?? "");
}

export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (fieldOf(error, "code") !== "23505") return false;
  return constraint === undefined || fieldOf(error, "constraint") === constraint;
}

/** The row that is referred to is gone. */
export function isForeignKeyViolation(error: unknown): boolean {
  return fieldOf(error, "code") === "23503";
}

/** A value PostgreSQL cannot store in jsonb or text: the null character, or a lone surrogate. */
export function isUnstorableText(error: unknown): boolean {
  const code = fieldOf(error, "code");
  return code === "22P05" || code === "22021" || (code === "22P02" && /json/i.test(fieldOf(error, "message") ?? ""));
}
