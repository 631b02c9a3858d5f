// What the catalogue says of graphs: drawing, schemas of each kind of declaration, subgraphs.
import { describe, expect, it } from "vitest";
import { NotFoundError } from "../domain/errors.ts";
import { createTestRuntime } from "./testing/execution-harness.ts";

async function schemasOf(name: string) {
  const graphId = `schemas:${name}`;
  return await createTestRuntime([graphId]).catalog.readSchemas(graphId, {});
}

function properties(schema: Record<string, unknown> | null): Record<string, unknown> {
  return (schema?.properties ?? {}) as Record<string, unknown>;
}

describe("schemas", () => {
  it("of a StateSchema", async () => {
    const { stateSchema, inputSchema, outputSchema } = await schemasOf("stateSchema");
    for (const schema of [stateSchema, inputSchema, outputSchema]) {
      expect(Object.keys(properties(schema)).sort()).toEqual(["count", "messages", "step"]);
    }
    expect(properties(stateSchema).step).toMatchObject({ type: "string" });
    expect(stateSchema?.required).toEqual(["step"]);
  });

  it("of a zod object with a context", async () => {
    const { stateSchema, inputSchema, configSchema, contextSchema } = await schemasOf("zod");
    expect(properties(stateSchema)).toMatchObject({
      name: { type: "string" },
      tags: { type: "array", items: { type: "string" } },
    });
    expect(properties(inputSchema)).toHaveProperty("name");
    expect(properties(configSchema)).toMatchObject({ tenant: { type: "string" } });
    expect(contextSchema).toEqual(configSchema);
  });

  it("of zod with messages and with what LangGraph's registry adds", async () => {
    const messages = await schemasOf("zodMessages");
    expect(properties(messages.inputSchema)).toMatchObject({
      score: { type: "number" },
      messages: { langgraph_type: "messages" },
    });
    const registry = await schemasOf("zodRegistry");
    expect(properties(registry.inputSchema).log).toMatchObject({ type: "string", langgraph_type: "prompt" });
    expect(properties(registry.outputSchema).log).toMatchObject({ type: "array", langgraph_type: "prompt" });
  });

  it("of zod 3", async () => {
    const { stateSchema, inputSchema } = await schemasOf("zod3");
    expect(properties(stateSchema)).toMatchObject({ name: { type: "string" } });
    expect(properties(inputSchema)).toMatchObject({ name: { type: "string" } });
  });

  it("of annotations: the channels' names, and kinds where a reducer or default shows them", async () => {
    const { stateSchema, inputSchema, outputSchema, configSchema } = await schemasOf("annotation");
    expect(Object.keys(properties(inputSchema))).toEqual(["question"]);
    expect(Object.keys(properties(outputSchema))).toEqual(["answer"]);
    expect(properties(stateSchema)).toMatchObject({
      question: {},
      tries: { type: "number" },
      messages: { type: "array", langgraph_type: "messages" },
    });
    expect(configSchema).toBeNull();
  });

  it("of an agent", async () => {
    const { stateSchema, inputSchema, contextSchema } = await schemasOf("agent");
    expect(properties(inputSchema)).toHaveProperty("messages");
    expect(properties(stateSchema)).toHaveProperty("messages");
    expect(properties(contextSchema)).toMatchObject({ userId: { type: "string" } });
  });
});

describe("drawing", () => {
  it("gives nodes and edges, and opens subgraphs with xray", async () => {
    const { catalog } = createTestRuntime(["nested:top"]);
    const flat = (await catalog.drawGraph("nested:top", {}, false)) as {
      nodes: { id: string; type: string }[];
      edges: unknown[];
    };
    expect(flat.nodes.map(({ id }) => id)).toEqual(["__start__", "middle", "after", "__end__"]);
    expect(flat.edges).toContainEqual({ source: "middle", target: "after", conditional: false });
    const deep = (await catalog.drawGraph("nested:top", {}, true)) as { nodes: { id: string }[] };
    expect(deep.nodes.map(({ id }) => id)).toEqual(expect.arrayContaining(["middle:before", "middle:bottom"]));
    expect(() => JSON.stringify(deep)).not.toThrow();
  });
});

describe("subgraphs", () => {
  it("are listed by namespace, below each other with recurse", async () => {
    const { catalog } = createTestRuntime(["nested:top"]);
    const direct = await catalog.readSubgraphs("nested:top", {}, { recurse: false });
    expect(Object.keys(direct)).toEqual(["middle"]);
    expect(properties(direct.middle?.stateSchema ?? null)).toHaveProperty("trail");
    const all = await catalog.readSubgraphs("nested:top", {}, { recurse: true });
    expect(Object.keys(all)).toEqual(["middle", "middle|bottom"]);
    const one = await catalog.readSubgraphs("nested:top", {}, { namespace: "middle|bottom", recurse: false });
    expect(Object.keys(one)).toEqual(["middle|bottom"]);
  });
});

describe("the list", () => {
  it("has every configured graph and no other", async () => {
    const { catalog } = createTestRuntime(["nested:top", "counter:graph"]);
    expect(catalog.listGraphs()).toEqual([
      { graphId: "nested:top", description: null },
      { graphId: "counter:graph", description: null },
    ]);
    expect(catalog.hasGraph("counter:graph")).toBe(true);
    expect(catalog.hasGraph("toString")).toBe(false);
    await expect(catalog.readSchemas("other", {})).rejects.toBeInstanceOf(NotFoundError);
  });
});
