// Secrets are taken out of whatever is traced; everything else stays as it was.
import { expect, it } from "vitest";
import { redact, redactText } from "./redaction.ts";

it("takes secrets out by name, at any depth and however the name is written", () => {
  const value = { user: "ada", API_KEY: "k", nested: [{ "access-token": 7, note: "fine" }], password: { old: "a" } };
  expect(redact(value)).toEqual({
    user: "ada",
    API_KEY: "[redacted]",
    nested: [{ "access-token": "[redacted]", note: "fine" }],
    password: "[redacted]",
  });
  expect(value.API_KEY).toBe("k");
});

it.each([
  "sk-proj-abcdefghijklmnopqrst",
  "AKIAABCDEFGHIJKLMNOP",
  "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
  "xoxb-1234567890-abc",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig",
  "Bearer abcdef.123456",
  "4111 1111 1111 1111",
])("takes %s out of texts", (secret) => {
  expect(redact(`before ${secret} after`)).toBe("before [redacted] after");
});

it("leaves ordinary numbers, ids and texts alone, and objects with a life", () => {
  const date = new Date();
  const value = { order: "48213-A7", amount: 129.5, phone: "+41 44 123 45", at: date, tokens: 7 };
  expect(redact(value)).toEqual(value);
  expect(redact({ date }).date).toBe(date);
});

it("cleans JSON in texts, follows the names and patterns that are given, and does not loop", () => {
  expect(redactText('{"pin": 1234, "a": "b"}')).toBe('{"pin":"[redacted]","a":"b"}');
  expect(redactText("no json, Bearer abcdef123456")).toBe("no json, [redacted]");
  expect(redact({ diagnosis: "x", password: "y" }, { names: ["diagnosis"], mark: "***" })).toEqual({
    diagnosis: "***",
    password: "y",
  });
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  expect(JSON.stringify(redact(loop))).toContain("[redacted]");
});
