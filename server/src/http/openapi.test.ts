// The committed document is the one the schemas give, and it is complete.
import { describe, expect, it } from "vitest";
import { buildOpenApi, writeOpenApi } from "./openapi.ts";
import { OPERATIONS } from "./operations.ts";

describe("openapi.json", () => {
  it("is in step with the operations", () => {
    expect(writeOpenApi({ check: true }), "run `holdfast openapi` and commit server/openapi.json").toBe(true);
  });

  it("describes every operation that is not hidden, with its failures", () => {
    const { paths = {} } = buildOpenApi();
    for (const { path, method, isHidden, isOpen } of OPERATIONS) {
      const described = paths[path]?.[method];
      expect(described === undefined, `${method} ${path}`).toBe(isHidden === true);
      if (described === undefined) continue;
      expect(described.summary).toBeTruthy();
      if (!isOpen)
        expect(Object.keys(described.responses ?? {})).toEqual(expect.arrayContaining(["401", "403", "422"]));
    }
  });

  it("has no two operations on one path and method", () => {
    const keys = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
