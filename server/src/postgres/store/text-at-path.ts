// The texts of a stored value that search by meaning goes by, picked by paths such as `title`, `chapters[*].text` or `$`.

/** Texts at the path, in order: `$` is the whole value, `[*]` every element, `[-1]` the last; numbers and objects as JSON. */
export function textsAtPath(value: unknown, path: string): string[] {
  return resolve(value, path === "$" || path === "" ? [] : tokenize(path)).flatMap(toText);
}

/** `a.b[0][*]` becomes `a`, `b`, `[0]`, `[*]`. */
function tokenize(path: string): string[] {
  return path.match(/\[[^\]]*\]|[^.[\]]+/g) ?? [];
}

function resolve(value: unknown, tokens: string[]): unknown[] {
  const [token, ...rest] = tokens;
  if (token === undefined) return [value];
  if (token === "[*]") return Array.isArray(value) ? value.flatMap((element) => resolve(element, rest)) : [];
  if (token.startsWith("[")) {
    const index = Number(token.slice(1, -1));
    return Array.isArray(value) && Number.isInteger(index) ? resolve(value.at(index), rest) : [];
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, token)) return [];
  return resolve((value as Record<string, unknown>)[token], rest);
}

function toText(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return [typeof value === "string" ? value : JSON.stringify(value)];
}
