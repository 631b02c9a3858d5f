// PostgreSQL's jsonb containment for values that are not in a row: the same answer as `value @> pattern`.

/** Whether `value` contains `pattern`: objects by key, arrays by inclusion of each element, everything else by equality. */
export function containsJson(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(value)) {
    // At the top, and only there, an array contains a bare scalar.
    return isScalar(pattern) ? value.includes(pattern) : containsNested(value, pattern);
  }
  return containsNested(value, pattern);
}

function containsNested(value: unknown, pattern: unknown): boolean {
  if (isScalar(pattern)) return value === pattern;
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((wanted) => value.some((element) => containsNested(element, wanted)));
  }
  if (isScalar(value) || Array.isArray(value)) return false;
  const object = value as Record<string, unknown>;
  return Object.entries(pattern as Record<string, unknown>).every(
    ([key, wanted]) => wanted === undefined || (Object.hasOwn(object, key) && containsNested(object[key], wanted)),
  );
}

function isScalar(value: unknown): boolean {
  return value === null || typeof value !== "object";
}
