// Checks that variables parse to what was meant, and that a wrong one is named with its value and what is allowed.
import { expect, test } from "vitest";
import { parseEnv } from "./env.ts";
import { hidePassword, SECRET_NAMES } from "./secrets.ts";

test("an empty environment gives the documented defaults", () => {
  const env = parseEnv({});
  expect(env).toMatchObject({
    PORT: 8123,
    HOST: "127.0.0.1",
    HOLDFAST_DATA_DIR: ".holdfast",
    HOLDFAST_SLOTS: 10,
    HOLDFAST_ATTEMPT_MAX: 3,
    LOG_LEVEL: "info",
  });
  expect(env.DATABASE_URL).toBeUndefined();
  expect(Object.isFrozen(env)).toBe(true);
});

test("blank means not set, and spaces around a value do not matter", () => {
  expect(parseEnv({ PORT: "", HOST: "  ", LOG_LEVEL: " debug ", HOLDFAST_SLOTS: " 3 " })).toMatchObject({
    PORT: 8123,
    HOST: "127.0.0.1",
    LOG_LEVEL: "debug",
    HOLDFAST_SLOTS: 3,
  });
});

test.each([
  ["PORT", "eighty", 'PORT is "eighty", but must be a whole number from 0 to 65535.'],
  ["PORT", "70000", 'PORT is "70000", but must be a whole number from 0 to 65535.'],
  ["PORT", "80.5", 'PORT is "80.5", but must be a whole number from 0 to 65535.'],
  ["HOLDFAST_SLOTS", "0", 'HOLDFAST_SLOTS is "0", but must be a whole number from 1 to 10000.'],
  ["LOG_LEVEL", "loud", 'LOG_LEVEL is "loud", but must be one of trace, debug, info, warn, error, fatal, silent.'],
  [
    "HOLDFAST_PREPARED_STATEMENTS",
    "maybe",
    'HOLDFAST_PREPARED_STATEMENTS is "maybe", but must be 1 or 0 (true, yes, on; false, no, off).',
  ],
  [
    "OPENAI_BASE_URL",
    "localhost",
    'OPENAI_BASE_URL is "localhost", but must be a URL starting with http:// or https://.',
  ],
])("%s=%s is refused in words", (name, value, message) => {
  expect(() => parseEnv({ [name]: value })).toThrow(message);
});

test("all mistakes are told at once, each by the flag that was written", () => {
  expect(() => parseEnv({ PORT: "x", HOLDFAST_SLOTS: "y" }, { PORT: "--port" })).toThrow(
    /^--port \(PORT\) is "x".*\nHOLDFAST_SLOTS is "y"/,
  );
});

test("a wrong secret is never repeated", () => {
  expect(SECRET_NAMES).toEqual(
    expect.arrayContaining(["DATABASE_URL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "REDIS_URL"]),
  );
  const failure = () => parseEnv({ DATABASE_URL: "mysql://root:hunter2@db/app" });
  expect(failure).toThrow("DATABASE_URL is (hidden), but must be a URL starting with postgres:// or postgresql://.");
  expect(failure).not.toThrow("hunter2");
});

test.each([
  ["postgresql://me:pw@db:5432/app", "postgresql://me:***@db:5432/app"],
  ["postgresql://me@db/app?password=pw&sslmode=require", "postgresql://me@db/app?password=***&sslmode=require"],
  ["postgresql://me:pw@/app", "(hidden)"],
])("hidePassword(%s)", (url, shown) => {
  expect(hidePassword(url)).toBe(shown);
});

test("a URL of a unix socket without a host is a database URL", () => {
  const url = "postgresql://me@/app?host=/run/postgresql";
  expect(parseEnv({ DATABASE_URL: url }).DATABASE_URL).toBe(url);
});
