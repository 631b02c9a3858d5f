// Listening and stopping: a taken port says so, and closing lets open requests finish.
import { describe, expect, it } from "vitest";
import { ConfigurationError } from "../domain/errors.ts";
import { startFixture } from "./http-app.fixture.ts";
import { createHttpApp } from "./http-app.ts";
import { serveHttp } from "./serve-http.ts";

const WAIT = { method: "POST", body: '{"assistant_id":"agent"}' };

describe("serveHttp", () => {
  it("names a port that is in use and what to do", async () => {
    await using fixture = await startFixture();
    const app = createHttpApp(fixture.services, { requestBodyBytesMax: 1, streamBufferBytesMax: 1 });
    const { port } = fixture.server.address;
    const second = serveHttp(app, { host: "127.0.0.1", port });
    await expect(second).rejects.toThrow(ConfigurationError);
    await expect(second).rejects.toThrow(`Port ${port} is already in use on 127.0.0.1`);
    await expect(second).rejects.toThrow("PORT");
  });

  it("names an address this machine does not have", async () => {
    await using fixture = await startFixture();
    const app = createHttpApp(fixture.services, { requestBodyBytesMax: 1, streamBufferBytesMax: 1 });
    await expect(serveHttp(app, { host: "192.0.2.1", port: 0 })).rejects.toThrow("no address 192.0.2.1");
  });

  it("leaves the process' own fetch and Response alone", async () => {
    await using fixture = await startFixture();
    expect((await fetch(`${fixture.url}/ok`)) instanceof Response).toBe(true);
  });

  it("lets an open request finish when it closes, and takes no new one", async () => {
    await using fixture = await startFixture();
    fixture.engine.onRun = (run) => void setTimeout(() => fixture.engine.finish(run.runId, '{"late":true}'), 200);
    const waiting = fetch(`${fixture.url}/runs/wait`, WAIT);
    await expect.poll(() => fixture.engine.runs.size).toBe(1);
    const closing = fixture.server.close(5_000);
    await expect(fetch(`${fixture.url}/ok`)).rejects.toThrow();
    expect(await (await waiting).json()).toEqual({ late: true });
    const startedAt = performance.now();
    await closing;
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it("drops what does not finish within the grace time", async () => {
    await using fixture = await startFixture();
    const waiting = fetch(`${fixture.url}/runs/stream`, WAIT).then((response) => response.text());
    waiting.catch(() => {});
    await expect.poll(() => fixture.engine.runs.size).toBe(1);
    await fixture.server.close(100);
    await expect(waiting).rejects.toThrow();
  });
});
