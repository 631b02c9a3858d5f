// The Ollama stub: lenient where Ollama is lenient, and in Ollama's words where it refuses.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProviderStub } from "../stub-server.ts";
import { startOllamaStub } from "./start.ts";

let stub: ProviderStub;
beforeEach(async () => {
  stub = await startOllamaStub();
});
afterEach(() => stub.close());

const post = async (path: string, body: object) => {
  const response = await fetch(`${stub.url}${path}`, { method: "POST", body: JSON.stringify(body) });
  const lines = (await response.text()).trim().split("\n");
  return { status: response.status, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};
const user = { role: "user", content: "Hello" };

describe("Ollama stub", () => {
  it.each([
    ["no model", { messages: [user] }, 400, "model is required"],
    ["an unknown model", { model: "nobody", messages: [user] }, 404, "model 'nobody' not found"],
    ["an unknown role", { model: "llama3", messages: [{ role: "robot", content: "x" }] }, 400, 'invalid role: "robot"'],
    ["a wrong type", { model: "llama3", messages: [{ role: "user", content: 1 }] }, 400, "messages.0.content"],
  ])("refuses %s", async (_case, body, status, message) => {
    const refused = await post("/api/chat", body);
    expect(refused.status).toBe(status);
    expect(refused.lines[0]!.error).toContain(message);
  });

  it("accepts any order of messages, as Ollama does", async () => {
    const messages = [{ role: "tool", content: "orphan" }, { role: "assistant", content: "" }, user];
    expect((await post("/api/chat", { model: "llama3", messages, stream: false })).status).toBe(200);
  });

  it("streams lines of JSON and counts at the end", async () => {
    stub.script({ text: "12345678", toolCalls: [{ name: "f", args: { a: 1 } }] });
    const { lines } = await post("/api/chat", { model: "llama3", messages: [user] });
    expect(lines.map((line) => line.done)).toEqual([false, false, false, true]);
    expect(lines[2]).toMatchObject({ message: { tool_calls: [{ function: { name: "f", arguments: { a: 1 } } }] } });
    const usage = stub.bill.total();
    expect(lines.at(-1)).toMatchObject({ prompt_eval_count: usage.inputTokens, eval_count: usage.outputTokens });
  });

  it("drops the oldest messages of a prompt that is too long, not the system message nor the last one", async () => {
    const messages = [
      { role: "system", content: "Rules" },
      ...Array.from({ length: 50 }, (_, index) => ({ role: "user", content: `${index} ${"x".repeat(80)}` })),
    ];
    await post("/api/chat", { model: "llama3", messages, options: { num_ctx: 200 }, stream: false });
    const seen = stub.calls[0]!.conversation!.messages.map((message) => message.text.split(" ")[0]);
    expect(seen[0]).toBe("Rules");
    expect(seen.at(-1)).toBe("49");
    expect(stub.bill.total().inputTokens).toBeLessThanOrEqual(200);
    expect(stub.bill.total().inputTokens).toBeGreaterThan(150);
  });

  it("embeds, lists and shows its models", async () => {
    const { lines } = await post("/api/embed", { model: "nomic-embed-text", input: ["a", "b"] });
    expect((lines[0]!.embeddings as number[][]).map((vector) => vector.length)).toEqual([768, 768]);
    const tags = (await (await fetch(`${stub.url}/api/tags`)).json()) as { models: { name: string }[] };
    expect(tags.models.map((model) => model.name)).toContain("llama3:latest");
    const shown = await post("/api/show", { model: "llama3" });
    expect(shown.lines[0]).toMatchObject({
      capabilities: ["completion", "tools"],
      model_info: { "stub.context_length": 8192 },
    });
  });
});
