// Errors as clients see them, and the catalogue against its documentation, both ways.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as errors from "../domain/errors.ts";
import { startFixture, UNKNOWN_ID } from "./http-app.fixture.ts";

/** One of each class; the arguments only fill in messages. */
const CATALOGUE = Object.values(errors)
  .filter((value) => typeof value === "function" && value !== errors.HoldfastError)
  .map((errorClass) => Reflect.construct(errorClass, [1, "reason"]) as errors.HoldfastError);

describe("docs/errors.md", () => {
  const text = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \| `(\w+)` \| (\d+) \| (yes|no) \|/gm)].map(
    ([, code, name, status, retry]) => ({ code, name, status: Number(status), isRetryable: retry === "yes" }),
  );

  it("describes exactly the errors there are", () => {
    const known = CATALOGUE.map(({ code, name, status, isRetryable }) => ({ code, name, status, isRetryable }));
    expect(rows.toSorted(byCode)).toEqual(known.toSorted(byCode));
    expect(new Set(known.map(({ code }) => code)).size).toBe(known.length);
  });

  it("promises a wait only where a retry can help", () => {
    for (const error of CATALOGUE) expect(error.retryAfterSeconds !== undefined).toBe(error.isRetryable);
  });
});

function byCode(a: { code?: string | undefined }, b: { code?: string | undefined }): number {
  return (a.code ?? "").localeCompare(b.code ?? "");
}

describe("a failed request", () => {
  it.each(CATALOGUE.map((error) => [error.code, error] as const))(
    "answers %s with its status and code",
    async (_, error) => {
      await using fixture = await startFixture();
      fixture.engine.refusal = error;
      const response = await fetch(`${fixture.url}/runs`, { method: "POST", body: '{"assistant_id":"agent"}' });
      expect(response.status).toBe(error.status);
      expect(await response.json()).toEqual({ detail: error.message });
      expect(response.headers.get("x-error-code")).toBe(error.code);
      expect(response.headers.get("retry-after")).toBe(error.isRetryable ? String(error.retryAfterSeconds) : null);
      expect(response.headers.get("content-type")).toMatch("application/json");
    },
  );

  it("keeps an unknown error to the log, under the request's id", async () => {
    await using fixture = await startFixture();
    fixture.engine.refusal = new TypeError("secret detail of the implementation");
    const response = await fetch(`${fixture.url}/runs`, {
      method: "POST",
      headers: { "x-request-id": "req-77" },
      body: '{"assistant_id":"agent"}',
    });
    expect(response.status).toBe(500);
    const { detail } = (await response.json()) as { detail: string };
    expect(detail).toContain("req-77");
    expect(detail).not.toContain("secret");
    expect(fixture.logLines.some((line) => line.includes("secret detail") && line.includes("req-77"))).toBe(true);
  });

  it.each([
    ["GET", "/assistants/nope", "Assistant not found"],
    ["GET", `/assistants/${UNKNOWN_ID}`, "Assistant not found"],
    ["POST", `/assistants/${UNKNOWN_ID}/versions`, `Assistant "${UNKNOWN_ID}" not found.`],
    ["GET", `/threads/${UNKNOWN_ID}`, `Thread with ID ${UNKNOWN_ID} not found`],
    ["GET", `/threads/${UNKNOWN_ID}/state`, `Thread with ID ${UNKNOWN_ID} not found`],
    ["GET", `/threads/${UNKNOWN_ID}/history`, `Thread with ID ${UNKNOWN_ID} not found`],
    ["GET", `/threads/${UNKNOWN_ID}/runs`, `Thread with ID ${UNKNOWN_ID} not found`],
    ["GET", `/threads/${UNKNOWN_ID}/runs/${UNKNOWN_ID}`, "Run not found"],
    ["GET", `/threads/${UNKNOWN_ID}/runs/${UNKNOWN_ID}/join`, "Run not found"],
    ["POST", `/threads/${UNKNOWN_ID}/runs/${UNKNOWN_ID}/cancel`, "Run not found"],
    ["GET", "/no/such/path", "Not Found"],
  ])("%s %s says: %s", async (method, path, detail) => {
    await using fixture = await startFixture();
    const response = await fetch(fixture.url + path, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail });
  });

  it("names an unknown assistant of a run, by id or by name", async () => {
    await using fixture = await startFixture();
    fixture.auth.rule = ({ resource }) =>
      resource === "assistants" ? { equals: { key: "owner", value: "me" } } : undefined;
    for (const id of ["nope", UNKNOWN_ID]) {
      const response = await fetch(`${fixture.url}/runs/wait`, {
        method: "POST",
        body: JSON.stringify({ assistant_id: id }),
      });
      expect(response.status).toBe(404);
      const { detail } = (await response.json()) as { detail: string };
      expect(detail).toMatch(`No assistant found for "${id}". Make sure`);
    }
  });
});
