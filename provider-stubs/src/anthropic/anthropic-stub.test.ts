// The Anthropic stub refuses what Anthropic refuses, in Anthropic's words.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProviderStub } from "../stub-server.ts";
import { startAnthropicStub } from "./start.ts";

/** The fields of all the stub's answers that are looked at here. */
interface Answer {
  error: { message: string };
  input_tokens: number;
  usage: { input_tokens: number };
}

let stub: ProviderStub;
beforeAll(async () => {
  stub = await startAnthropicStub({ contextWindowTokens: 500 });
});
afterAll(() => stub.close());

const tools = [{ name: "f", input_schema: { type: "object", properties: {} } }];
const user = { role: "user", content: "Hello" };
const use = { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "f", input: {} }] };
const resultBlock = { type: "tool_result", tool_use_id: "t1", content: "done" };
const result = { role: "user", content: [resultBlock] };
const text = (value: string) => ({ type: "text", text: value });
const marked = { ...text("x"), cache_control: { type: "ephemeral" } };

const post = async (body: object, headers: Record<string, string> = {}, path = "/v1/messages") => {
  const response = await fetch(`${stub.url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-api-key": "test-key",
      "anthropic-version": "2023-06-01",
      ...headers,
    },
    body: JSON.stringify({
      model: "claude-sonnet-4-5",
      tools,
      ...(path === "/v1/messages" && { max_tokens: 64 }),
      ...body,
    }),
  });
  return { status: response.status, json: (await response.json()) as Answer };
};

describe("messages", () => {
  it.each([
    ["a plain question", [user]],
    ["a tool use with its result", [user, use, result]],
    ["consecutive messages of one role, which are one turn", [user, user, use, result, user]],
    [
      "results spread over messages of one turn",
      [
        user,
        { ...use, content: [...use.content, { ...use.content[0], id: "t2" }] },
        result,
        { ...result, content: [{ ...resultBlock, tool_use_id: "t2" }] },
      ],
    ],
    ["text after the results", [user, use, { role: "user", content: [resultBlock, text("and now?")] }]],
    ["a last assistant message to go on from", [user, { role: "assistant", content: "The answer is" }]],
  ])("accepts %s", async (_case, messages) => {
    expect(await post({ messages })).toMatchObject({ status: 200, json: { type: "message", role: "assistant" } });
  });
});

describe("a refused message", () => {
  it.each([
    ["no messages", { messages: [] }, "at least one message is required"],
    ["no max_tokens", { messages: [user], max_tokens: undefined }, "max_tokens: Field required"],
    [
      "an assistant first",
      { messages: [{ role: "assistant", content: "Hi" }, user] },
      'first message must use the "user" role',
    ],
    [
      "a system message among the others",
      { messages: [{ role: "system", content: "x" }, user] },
      'Unexpected role "system"',
    ],
    [
      "an unknown role",
      { messages: [{ role: "tool", content: "x" }] },
      "messages.0.role: Input should be 'user' or 'assistant'",
    ],
    ["empty content", { messages: [{ role: "user", content: "" }] }, "all messages must have non-empty content"],
    [
      "an empty text block",
      { messages: [{ role: "user", content: [text("")] }] },
      "text content blocks must be non-empty",
    ],
    ["a blank text block", { messages: [{ role: "user", content: [text(" ")] }] }, "must contain non-whitespace text"],
    [
      "trailing white space at the end",
      { messages: [user, { role: "assistant", content: "So " }] },
      "cannot end with trailing whitespace",
    ],
    [
      "a tool use without its result",
      { messages: [user, use, user] },
      "`tool_use` ids were found without `tool_result` blocks immediately after: t1",
    ],
    ["a tool use at the end", { messages: [user, use] }, "without `tool_result` blocks immediately after: t1"],
    [
      "a result that comes after text",
      { messages: [user, use, { role: "user", content: [text("x"), resultBlock] }] },
      "immediately after: t1",
    ],
    ["a result without its use", { messages: [result] }, "unexpected `tool_use_id` found in `tool_result` blocks: t1"],
    [
      "a second result",
      { messages: [user, use, { role: "user", content: [resultBlock, resultBlock] }] },
      "must have a single result",
    ],
    ["a repeated tool use id", { messages: [user, use, result, use, result] }, "`tool_use` ids must be unique"],
    ["tool blocks without tools", { messages: [user, use, result], tools: undefined }, "must define tools"],
    ["two tools of one name", { messages: [user], tools: [...tools, ...tools] }, "Tool names must be unique"],
    ["an unknown field", { messages: [user], foo: 1 }, "foo: Extra inputs are not permitted"],
    [
      "a bad tool id",
      { messages: [user, { role: "assistant", content: [{ ...use.content[0], id: "a.b" }] }] },
      "String should match pattern",
    ],
    [
      "five cache breakpoints",
      { messages: [{ role: "user", content: [marked, marked, marked, marked, marked] }] },
      "A maximum of 4 blocks",
    ],
    ["too long a prompt", { messages: [{ role: "user", content: "word ".repeat(1000) }] }, "prompt is too long: "],
    ["too long an answer", { messages: [user], max_tokens: 499 }, "exceed context limit"],
  ])("refuses %s", async (_case, body, message) => {
    const refused = await post(body);
    expect(refused).toMatchObject({ status: 400, json: { type: "error", error: { type: "invalid_request_error" } } });
    expect(refused.json.error.message).toContain(message);
  });
});

describe("keys and counts", () => {
  it("refuses missing and wrong keys, unknown models and a missing version", async () => {
    expect(await post({ messages: [user] }, { "x-api-key": "" })).toMatchObject({
      status: 401,
      json: { error: { type: "authentication_error" } },
    });
    expect((await post({ messages: [user] }, { "x-api-key": "wrong" })).json.error.message).toBe("invalid x-api-key");
    expect(await post({ messages: [user], model: "x" })).toMatchObject({
      status: 404,
      json: { error: { type: "not_found_error", message: "model: x" } },
    });
    expect((await post({ messages: [user] }, { "anthropic-version": "" })).json.error.message).toContain(
      "anthropic-version",
    );
  });

  it("counts tokens as it bills them", async () => {
    const counted = await post({ messages: [user, use, result] }, {}, "/v1/messages/count_tokens");
    const answered = await post({ messages: [user, use, result] });
    expect(counted.json.input_tokens).toBe(answered.json.usage.input_tokens);
  });
});
