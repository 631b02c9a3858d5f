// Assistants through the official client: the whole surface, by id and by graph id.
import { Client } from "@langchain/langgraph-sdk";
import { describe, expect, it } from "vitest";
import { systemAssistantId } from "../../../domain/ids.ts";
import { type Fixture, startFixture, UNKNOWN_ID } from "../../http-app.fixture.ts";

const clientOf = (fixture: Fixture) => new Client({ apiUrl: fixture.url, callerOptions: { maxRetries: 0 } });

describe("assistants", () => {
  it("are created, read, changed, listed and deleted", async () => {
    await using fixture = await startFixture();
    const { assistants } = clientOf(fixture);
    const created = await assistants.create({
      assistantId: UNKNOWN_ID,
      graphId: "agent",
      config: { recursion_limit: 9 },
    });
    expect(created).toMatchObject({
      assistant_id: UNKNOWN_ID,
      version: 1,
      name: "Untitled",
      config: { recursion_limit: 9 },
    });
    await expect(assistants.create({ assistantId: UNKNOWN_ID, graphId: "agent" })).rejects.toThrow("HTTP 409");
    await expect(assistants.create({ graphId: "nope" })).rejects.toThrow("HTTP 404");
    expect(await assistants.update(UNKNOWN_ID, { name: "N", context: { a: 1 } })).toMatchObject({
      version: 2,
      name: "N",
    });
    expect(await assistants.getVersions(UNKNOWN_ID)).toHaveLength(1);
    expect(await assistants.setLatest(UNKNOWN_ID, 1)).toMatchObject({ assistant_id: UNKNOWN_ID });
    expect(await assistants.count()).toBe(1);
    const page = await assistants.search({ limit: 1, includePagination: true });
    expect(page).toMatchObject({ next: null, assistants: [{ assistant_id: UNKNOWN_ID }] });
    await assistants.delete(UNKNOWN_ID, { deleteThreads: true });
    await expect(assistants.get(UNKNOWN_ID)).rejects.toThrow(/HTTP 404: .*Assistant not found/);
  });

  it("of a graph are found by the graph's id", async () => {
    await using fixture = await startFixture();
    const { assistants } = clientOf(fixture);
    expect((await assistants.get("agent")).assistant_id).toBe(systemAssistantId("agent"));
    expect(await assistants.getSchemas("agent")).toMatchObject({ graph_id: "agent", input_schema: { type: "object" } });
    expect(await assistants.getGraph("agent", { xray: true })).toMatchObject({ xray: true });
    expect(await assistants.getGraph("agent", { xray: 2 })).toMatchObject({ xray: 2 });
    const subgraphs = await assistants.getSubgraphs("agent", { namespace: "a|b", recurse: true });
    expect(subgraphs).toMatchObject({ "a|b": { state: { type: "object" }, state_schema: { type: "object" } } });
  });

  it("take the version to go back to from the query too", async () => {
    await using fixture = await startFixture();
    await clientOf(fixture).assistants.create({ assistantId: UNKNOWN_ID, graphId: "agent" });
    const ask = (query: string) => fetch(`${fixture.url}/assistants/${UNKNOWN_ID}/latest${query}`, { method: "POST" });
    expect((await ask("?version=1")).status).toBe(200);
    expect((await ask("")).status).toBe(422);
    expect((await ask("?version=99999999999")).status).toBe(422);
  });
});
