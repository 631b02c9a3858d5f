// Every operation under random requests from its own schemas: whatever comes, the answer is no 5xx, and the process lives.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requestsFor } from "./fuzz.fixture.ts";
import { type Fixture, makeThread, startFixture, UNKNOWN_ID } from "./http-app.fixture.ts";
import { OPERATIONS } from "./operations.ts";

/** Streams that stay open until the client leaves. */
const ENDLESS = new Set(["/threads/{thread_id}/stream", "/threads/{thread_id}/stream/events"]);

/** Requests for each operation; a failing one is printed with its seed. */
const REQUESTS_PER_OPERATION = 60;

describe("random requests", () => {
  let fixture: Fixture;
  const known = {
    ids: [UNKNOWN_ID],
    texts: ["agent"],
    fields: { schedule: ["0 9 * * *"], timezone: ["Europe/Berlin"], end_time: ["2099-01-01T00:00:00Z"] },
  };
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => void rejections.push(reason);

  beforeAll(async () => {
    fixture = await startFixture({ services: { truncate: async () => {} }, settings: { requestBodyBytesMax: 50_000 } });
    fixture.threads.set(UNKNOWN_ID, makeThread({ threadId: UNKNOWN_ID }));
    fixture.engine.onRun = (run) => void setTimeout(() => fixture.engine.finish(run.runId), 1);
    process.on("unhandledRejection", onRejection);
  });
  afterAll(async () => {
    process.off("unhandledRejection", onRejection);
    await fixture[Symbol.asyncDispose]();
  });

  it.each(OPERATIONS.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
    "%s",
    async (_name, operation) => {
      const statuses = new Set<number>();
      await fc.assert(
        fc.asyncProperty(requestsFor(operation, known), async ({ path, method, body, headers }) => {
          const signal = AbortSignal.timeout(5_000);
          const response = await fetch(fixture.url + path, { method, body: body ?? null, headers, signal });
          const isEndless = response.ok && ENDLESS.has(operation.path);
          const text = isEndless ? "" : await response.text();
          if (isEndless) await response.body?.cancel();
          statuses.add(response.status);
          expect(response.status, text).toBeLessThan(500);
          if (response.status >= 400 && method !== "HEAD") expect(JSON.parse(text)).toHaveProperty("detail");
        }),
        { numRuns: REQUESTS_PER_OPERATION },
      );
      expect(rejections).toEqual([]);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      // Some requests get past the schema; they are not all turned away.
      expect([...statuses].some((status) => status !== 400 && status !== 422)).toBe(true);
    },
  );
});
