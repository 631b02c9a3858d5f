// Asks local servers that answer as providers do, well and badly.
import { createServer, type IncomingMessage } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { buildConfig, type Config } from "../config/config.ts";
import { parseEnv } from "../config/env.ts";
import { checkAddresses } from "./doctor-addresses.ts";
import { checkModel } from "./doctor-models.ts";

/** A provider that answers every request with `status` and `body`; returns its origin and the requests it got. */
async function startProvider(
  status: number,
  body: unknown = {},
): Promise<{ origin: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  onTestFinished(() => void server.close());
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  return { origin: `http://127.0.0.1:${port}`, requests };
}

function configure(variables: Record<string, string>): Config {
  const project = {
    file: "/project/langgraph.json",
    dir: "/project",
    isBuiltIn: true,
    graphs: {},
    env: {},
    content: { graphs: {} },
    warnings: [],
  };
  return buildConfig(parseEnv(variables), project, { cwd: "/", isDev: false });
}

test("the demo model needs nothing", async () => {
  expect(await checkModel(configure({}))).toMatchObject({ level: "ok", text: expect.stringMatching(/^demo/) });
});

test("OpenAI is asked with the key, at the configured address", async () => {
  const { origin, requests } = await startProvider(200);
  const config = configure({ MODEL: "openai:m", OPENAI_BASE_URL: `${origin}/v1/`, OPENAI_API_KEY: "sk-right" });
  expect(await checkModel(config)).toMatchObject({ level: "ok", text: `openai:m: ${origin} answers` });
  expect(requests[0]).toMatchObject({ url: "/v1/models", headers: { authorization: "Bearer sk-right" } });
});

test("a refused key is named by its variable and not shown", async () => {
  const { origin } = await startProvider(401);
  const config = configure({ MODEL: "anthropic:m", ANTHROPIC_BASE_URL: origin, ANTHROPIC_API_KEY: "sk-wrong" });
  const finding = await checkModel(config);
  expect(finding).toMatchObject({ level: "fail", remedy: "Correct ANTHROPIC_API_KEY." });
  expect(JSON.stringify(finding)).not.toContain("sk-wrong");
});

test("a missing key, a provider in trouble, nobody there, and an unknown provider", async () => {
  expect(await checkModel(configure({ MODEL: "anthropic:m" }))).toMatchObject({
    level: "fail",
    text: "anthropic:m needs a key",
  });
  const { origin } = await startProvider(503);
  const busy = configure({ MODEL: "openai:m", OPENAI_BASE_URL: origin });
  expect(await checkModel(busy)).toMatchObject({ level: "warn", text: expect.stringContaining("answers 503") });
  const nobody = configure({ MODEL: "openai:m", OPENAI_BASE_URL: "http://127.0.0.1:1/v1" });
  expect(await checkModel(nobody)).toMatchObject({ level: "fail", text: expect.stringContaining("cannot be reached") });
  expect(await checkModel(configure({ MODEL: "gpt-5" }))).toMatchObject({
    level: "fail",
    remedy: expect.stringContaining("openai:NAME"),
  });
});

test("Ollama must have the model", async () => {
  const { origin } = await startProvider(200, { models: [{ name: "small:latest" }] });
  const host = origin.slice("http://".length);
  expect(await checkModel(configure({ MODEL: "ollama:small", OLLAMA_HOST: host }))).toMatchObject({ level: "ok" });
  expect(await checkModel(configure({ MODEL: "ollama:large", OLLAMA_HOST: host }))).toMatchObject({
    level: "fail",
    remedy: "Run: ollama pull large",
  });
});

test.each([
  [
    "OLLAMA_HOST alone",
    { OLLAMA_HOST: "127.0.0.1:11434", MODEL: "ollama:llama3" },
    /^none outside.*\nmodel: 127.0.0.1 \(this machine\)$/s,
  ],
  ["nothing at all", {}, /^none outside; the server's own parts work offline$/],
  [
    "a provider",
    { MODEL: "openai:gpt-4o", OPENAI_API_KEY: "x" },
    /^1 outside: model\nmodel: api.openai.com \(outside\)$/,
  ],
  [
    "a company's network",
    {
      MODEL: "openai:x",
      OPENAI_BASE_URL: "http://10.1.2.3:8000/v1",
      DATABASE_URL: "postgres://u:pass@db.internal/x",
      REDIS_URL: "redis://cache:6379",
    },
    /^none outside.*db.internal \(private network\)\nRedis: cache \(private network\)\nmodel: 10.1.2.3 \(private network\)$/s,
  ],
  [
    "a database on a socket",
    { DATABASE_URL: "postgres://u@/x?host=/var/run/postgresql" },
    /database: \/var\/run\/postgresql \(this machine\)/,
  ],
] as const)("the addresses of %s are listed, and whether they are outside", (_name, variables, words) => {
  const { level, text } = checkAddresses(configure(variables));
  expect(level).toBe("ok");
  expect(text).toMatch(words);
  expect(text).not.toContain("pass");
});
