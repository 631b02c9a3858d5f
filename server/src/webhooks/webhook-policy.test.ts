// Where webhooks may go under each rule, and the disguises that must not help.
import { expect, test } from "vitest";
import { InvalidRequestError } from "../domain/errors.ts";
import type { WebhookRules } from "../domain/webhook.ts";
import { WebhookPolicy } from "./webhook-policy.ts";

const STRICT: WebhookRules = {
  isEnabled: true,
  allowedDomains: undefined,
  allowedPorts: undefined,
  isHttpsRequired: false,
  isLoopbackAllowed: false,
  isPrivateAllowed: false,
  isOwnPathAllowed: false,
  urlCharsMax: 200,
};

const isAllowed = (url: string, rules: Partial<WebhookRules> = {}): boolean => {
  try {
    new WebhookPolicy({ ...STRICT, ...rules }).requireAllowed(url);
    return true;
  } catch (error) {
    if (error instanceof InvalidRequestError) return false;
    throw error;
  }
};

test.each([
  "https://example.test/hook",
  "http://example.test:8080/hook?x=1",
  "https://8.8.8.8/",
  "https://user:secret@example.test/",
])("%s may be asked for", (url) => {
  expect(isAllowed(url)).toBe(true);
});

test.each([
  "http://localhost/x",
  "http://LOCALHOST./x",
  "http://api.localhost/",
  "http://127.0.0.1/x",
  "http://127.1/",
  "http://2130706433/",
  "http://0x7f.0.0.1/",
  "http://0177.0.0.1/",
  "http://[::1]/",
  "http://[::ffff:127.0.0.1]/",
  "http://0.0.0.0/",
  "http://10.1.2.3/",
  "http://192.168.0.1/",
  "http://169.254.169.254/latest/meta-data/",
  "http://[fd00::1]/",
  "http://１２７.0.0.1/",
  "/threads",
  "//example.test/",
  "/\\example.test/",
  "ftp://example.test/",
  "javascript:alert(1)",
  "not a url",
  "",
  `https://example.test/${"x".repeat(200)}`,
])("%s is refused", (url) => {
  expect(isAllowed(url)).toBe(false);
});

test("each rule of the project file", () => {
  expect(isAllowed("http://example.test/", { isHttpsRequired: true })).toBe(false);
  expect(isAllowed("https://example.test/", { isHttpsRequired: true })).toBe(true);
  expect(isAllowed("https://example.test/", { allowedPorts: [443] })).toBe(true);
  expect(isAllowed("https://example.test:8443/", { allowedPorts: [443] })).toBe(false);
  expect(isAllowed("http://example.test/", { allowedPorts: [443] })).toBe(false);
  const allowedDomains = ["example.test", "*.wild.test", "10.0.0.7"];
  for (const [url, expected] of [
    ["https://example.test/", true],
    ["https://EXAMPLE.test./", true],
    ["https://sub.example.test/", false],
    ["https://a.b.wild.test/", true],
    ["https://wild.test/", false],
    ["https://evilwild.test/", false],
    ["https://other.test/", false],
    ["http://10.0.0.7/", true],
    ["http://10.0.0.8/", false],
  ] as const)
    expect([url, isAllowed(url, { allowedDomains })]).toEqual([url, expected]);
  expect(isAllowed("http://localhost:3000/", { isLoopbackAllowed: true })).toBe(true);
  expect(isAllowed("http://192.168.0.1/", { isLoopbackAllowed: true })).toBe(false);
  expect(isAllowed("http://192.168.0.1/", { isPrivateAllowed: true })).toBe(true);
  expect(isAllowed("http://169.254.169.254/", { isPrivateAllowed: true, isLoopbackAllowed: true })).toBe(false);
  expect(isAllowed("https://example.test/", { isEnabled: false })).toBe(false);
});

test("what a name stands for is judged when it is known; only an exact entry may be private", () => {
  const rules = { ...STRICT, allowedDomains: ["inside.corp", "*.wild.test"] };
  const policy = new WebhookPolicy(rules);
  const inside = policy.targetOf("https://inside.corp/");
  expect(["10.0.0.1", "127.0.0.1", "8.8.8.8"].map(inside.allowsAddress)).toEqual([true, true, true]);
  expect(inside.allowsAddress("169.254.169.254")).toBe(false);
  const wild = policy.targetOf("https://x.wild.test/");
  expect(["10.0.0.1", "127.0.0.1", "8.8.8.8"].map(wild.allowsAddress)).toEqual([false, false, true]);
});

test("a path means this server, only where configured and never another host", () => {
  const rules = { ...STRICT, isOwnPathAllowed: true };
  const policy = new WebhookPolicy(rules, () => "http://127.0.0.1:8123");
  expect(policy.targetOf("/hooks/x?y=1").url.href).toBe("http://127.0.0.1:8123/hooks/x?y=1");
  for (const url of ["//example.test/", "/\\example.test/"]) {
    expect(() => policy.targetOf(url)).toThrow(InvalidRequestError);
  }
  expect(() => new WebhookPolicy(rules).targetOf("/x")).toThrow("does not know the server");
});
