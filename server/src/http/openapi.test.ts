// The committed document is the one the schemas give, and it is complete.
import { describe, expect, it } from "vitest";
import { assistantSchema } from "./langgraph/assistants/assistant-wire.ts";
import { runSchema } from "./langgraph/runs/run-wire.ts";
import { threadStateSchema } from "./langgraph/threads/state-wire.ts";
import { threadSchema } from "./langgraph/threads/thread-wire.ts";
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

  it("gives examples that its own schemas accept", () => {
    const document = buildOpenApi();
    for (const { method, path, body, bodyExample } of OPERATIONS) {
      if (body && bodyExample) expect(body.safeParse(bodyExample).error, `${method} ${path}`).toBeUndefined();
    }
    const wireSchemas = {
      Thread: threadSchema,
      Run: runSchema,
      Assistant: assistantSchema,
      ThreadState: threadStateSchema,
    };
    for (const [name, schema] of Object.entries(wireSchemas)) {
      const described = document.components?.schemas?.[name];
      const example = described && "example" in described ? described.example : undefined;
      expect(schema.safeParse(example).error, name).toBeUndefined();
    }
  });

  it("refers only to what it contains", () => {
    const text = JSON.stringify(buildOpenApi());
    const { components } = JSON.parse(text);
    const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!);
    expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining([...new Set(names)]));
  });

  it("has no two operations on one path and method", () => {
    const keys = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
