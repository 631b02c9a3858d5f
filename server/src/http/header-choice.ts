// Picks request headers by patterns of the project file, for run configuration and for the log.

/** Patterns with `*` for any text; case does not matter. */
export interface HeaderChoice {
  includes: readonly string[];
  excludes: readonly string[];
}

/** Gives the chosen headers, in lower case; `undefined` for none. */
export type HeaderChooser = (headers: Headers) => Record<string, string> | undefined;

/** Credentials of callers: nowhere to be copied by a pattern, only where they are named in full. */
const CREDENTIALS = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-api-key",
  "x-tenant-id",
  "x-service-key",
]);
/** Credentials of this server's own, and LangGraph's: never. */
const NEVER = new Set(["x-api-key", "x-tenant-id", "x-service-key"]);

/** What goes into `configurable` where the project file says nothing: as the reference server does. */
export const DEFAULT_CONFIGURABLE_HEADERS: HeaderChoice = { includes: ["x-*"], excludes: [] };

export function headerChooser(choice: HeaderChoice): HeaderChooser {
  const included = choice.includes.map(toPattern);
  const excluded = choice.excludes.map(toPattern);
  const named = new Set(choice.includes.map((each) => each.toLowerCase()));
  const isChosen = (name: string): boolean =>
    !NEVER.has(name) &&
    included.some((pattern) => pattern.test(name)) &&
    !excluded.some((pattern) => pattern.test(name)) &&
    (!CREDENTIALS.has(name) || named.has(name));
  return (headers) => {
    if (included.length === 0) return undefined;
    const chosen = [...headers].filter(([name]) => isChosen(name));
    return chosen.length === 0 ? undefined : Object.fromEntries(chosen);
  };
}

function toPattern(glob: string): RegExp {
  const parts = glob
    .toLowerCase()
    .split("*")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
