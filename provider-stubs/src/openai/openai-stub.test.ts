// The OpenAI stub refuses what OpenAI refuses, in OpenAI's words.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProviderStub } from "../stub-server.ts";
import { startOpenAiStub } from "./start.ts";

/** The fields of all the stub's answers that are looked at here. */
interface Answer {
  id: string;
  error: { message: string; code: string | null };
  choices: { message: { content: string } }[];
  output: { content: { text: string }[] }[];
  data: { embedding: number[] | string }[];
  usage: { completion_tokens: number };
}

let stub: ProviderStub;
beforeAll(async () => {
  stub = await startOpenAiStub({ contextWindowTokens: 500 });
});
afterAll(() => stub.close());

const post = async (path: string, body: unknown, key = "test-key") => {
  const headers = { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) };
  const response = await fetch(`${stub.url}${path}`, {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, text, json: JSON.parse(text || "null") as Answer };
};

const user = { role: "user", content: "Hello" };
const call = {
  role: "assistant",
  content: null,
  tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
};
const result = { role: "tool", tool_call_id: "c1", content: "done" };
const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];
const openObject = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };

describe("chat completions", () => {
  it("accepts a history in which each call has its result", async () => {
    const answer = await post("/chat/completions", { model: "gpt-4o", messages: [user, call, result, user], tools });
    expect(answer.status).toBe(200);
    expect(answer.json.choices[0]!.message.content).toBe("Stub answer to: Hello");
  });
});

describe("a refused chat completion", () => {
  it.each([
    ["no messages", { messages: [] }, "empty array", "messages"],
    ["missing messages", { messages: undefined }, "Missing required parameter: 'messages'.", "messages"],
    ["an unknown role", { messages: [{ role: "robot", content: "x" }] }, "Invalid value: 'robot'.", "messages[0].role"],
    [
      "no content",
      { messages: [{ role: "user", content: null }] },
      "expected a string, got null",
      "messages.[0].content",
    ],
    [
      "an assistant without content and calls",
      { messages: [user, { role: "assistant" }] },
      "got null",
      "messages.[1].content",
    ],
    [
      "a call without its result",
      { messages: [user, call] },
      "did not have response messages: c1",
      "messages.[1].role",
    ],
    [
      "a call whose result comes late",
      { messages: [user, call, user, result] },
      "did not have response messages: c1",
      "messages.[2].role",
    ],
    [
      "a result without a call",
      { messages: [user, result] },
      "must be a response to a preceeding message",
      "messages.[1].role",
    ],
    [
      "a result of another call",
      { messages: [user, call, { ...result, tool_call_id: "c2" }] },
      "must be a response",
      "messages.[2].role",
    ],
    ["an unknown parameter", { messages: [user], temprature: 1 }, "Unknown parameter: 'temprature'.", "temprature"],
    ["a wrong type", { messages: [user], temperature: "hot" }, "expected number", "temperature"],
    ["no tools in the list", { messages: [user], tools: [] }, "empty array", "tools"],
    [
      "a tool choice without tools",
      { messages: [user], tool_choice: "auto" },
      "only allowed when 'tools' are specified",
      "tool_choice",
    ],
    [
      "stream options without a stream",
      { messages: [user], stream_options: {} },
      "only allowed when 'stream'",
      "stream_options",
    ],
    [
      "JSON mode without the word",
      { messages: [user], response_format: { type: "json_object" } },
      "must contain the word 'json'",
      "messages",
    ],
    [
      "an open strict schema",
      {
        messages: [user],
        response_format: { type: "json_schema", json_schema: { name: "s", strict: true, schema: openObject } },
      },
      "'additionalProperties' is required",
      "response_format",
    ],
    [
      "too long a prompt",
      { messages: [{ role: "user", content: "word ".repeat(1000) }] },
      "maximum context length is 500 tokens",
      "messages",
    ],
  ])("refuses %s", async (_case, body, message, param) => {
    const refused = await post("/chat/completions", { model: "gpt-4o", ...body });
    expect(refused.status).toBe(400);
    expect(refused.json.error).toMatchObject({ type: "invalid_request_error", param });
    expect(refused.json.error.message).toContain(message);
  });
});

describe("keys, models and paths", () => {
  it("refuses missing and wrong keys, unknown models and paths, and broken JSON", async () => {
    const body = { model: "gpt-4o", messages: [user] };
    expect(await post("/chat/completions", body, "")).toMatchObject({ status: 401, json: { error: { code: null } } });
    expect(await post("/chat/completions", body, "wrong")).toMatchObject({
      status: 401,
      json: { error: { code: "invalid_api_key" } },
    });
    expect(await post("/chat/completions", { ...body, model: "x" })).toMatchObject({
      status: 404,
      json: { error: { code: "model_not_found" } },
    });
    expect((await post("/completions", body)).status).toBe(404);
    expect((await post("/chat/completions", "{")).status).toBe(400);
  });
});

describe("the end of a chat completion", () => {
  it("stops at the output limit", async () => {
    const answer = await post("/chat/completions", { model: "gpt-4o", messages: [user], max_completion_tokens: 2 });
    expect(answer.json.choices[0]).toMatchObject({ finish_reason: "length", message: { content: "Stub ans" } });
    expect(answer.json.usage.completion_tokens).toBe(2);
  });

  it("bills reasoning as output, and shows it as such", async () => {
    stub.script({ reasoning: "12345678", text: "1234" });
    const answer = await post("/chat/completions", { model: "gpt-4o", messages: [user] });
    expect(answer.json.usage).toMatchObject({
      completion_tokens: 3,
      completion_tokens_details: { reasoning_tokens: 2 },
    });
  });
});

describe("responses", () => {
  const functionCall = { type: "function_call", call_id: "c1", name: "f", arguments: "{}" };
  const output = { type: "function_call_output", call_id: "c1", output: "done" };

  it.each([
    ["a call without its output", [user, functionCall], "No tool output found for function call c1."],
    ["an output without its call", [user, output], "No tool call found for function call output with call_id c1."],
    ["an unknown item", [{ type: "thought" }], "Invalid value: 'thought'."],
    ["an empty input", [], "empty array"],
  ])("refuses %s", async (_case, input, message) => {
    const refused = await post("/responses", { model: "gpt-4o", input });
    expect(refused.status).toBe(400);
    expect(refused.json.error.message).toContain(message);
  });

  it("goes on from a stored response and refuses an unknown one", async () => {
    const first = await post("/responses", { model: "gpt-4o", input: "Hello" });
    const second = await post("/responses", { model: "gpt-4o", input: "And?", previous_response_id: first.json.id });
    expect(second.json.output[0]!.content[0]!.text).toBe("Stub answer to: And?");
    expect(stub.calls.at(-1)!.conversation!.messages.map((message) => message.text)).toEqual([
      "Hello",
      "Stub answer to: Hello",
      "And?",
    ]);
    const unknown = await post("/responses", { model: "gpt-4o", input: "x", previous_response_id: "resp_0" });
    expect(unknown.json.error.code).toBe("previous_response_not_found");
  });

  it("numbers its stream's events without a gap and ends with the whole response", async () => {
    const headers = { "content-type": "application/json", authorization: "Bearer test-key" };
    stub.script({ text: "Hello", toolCalls: [{ name: "f", args: { a: 1 } }] });
    const response = await fetch(`${stub.url}/responses`, {
      method: "POST",
      headers,
      body: JSON.stringify({ model: "gpt-4o", input: "x", stream: true }),
    });
    const events = (await response.text()).match(/^data: .*$/gm)!.map((line) => JSON.parse(line.slice(6)));
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.at(-1)).toMatchObject({
      type: "response.completed",
      response: { output: [{ type: "message" }, { type: "function_call" }] },
    });
    expect(events.filter((event) => event.type === "response.output_item.done")).toHaveLength(2);
  });
});

describe("embeddings and models", () => {
  it("embeds texts that share words near each other", async () => {
    const input = ["the red house", "a red house", "quantum theory"];
    const { json } = await post("/embeddings", { model: "text-embedding-3-small", input });
    const [a, b, c] = json.data.map((item) => item.embedding) as [number[], number[], number[]];
    const dot = (x: number[], y: number[]) => x.reduce((sum, value, index) => sum + value * y[index]!, 0);
    expect(a).toHaveLength(1536);
    expect(dot(a, b)).toBeGreaterThan(dot(a, c) + 0.3);
    const encoded = await post("/embeddings", {
      model: "text-embedding-3-small",
      input: "x",
      dimensions: 8,
      encoding_format: "base64",
    });
    expect(Buffer.from(encoded.json.data[0]!.embedding as string, "base64")).toHaveLength(32);
  });

  it("lists its models", async () => {
    const response = await fetch(`${stub.url}/models`, { headers: { authorization: "Bearer test-key" } });
    expect(((await response.json()) as { data: { id: string }[] }).data.map((model) => model.id)).toContain("gpt-4o");
  });
});
