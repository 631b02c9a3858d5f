// Checks where settings come from, in which order, and that the result cannot be changed.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { buildConfig, loadConfig } from "./config.ts";
import { parseEnv } from "./env.ts";
import type { Project } from "./project-file.ts";

const PROJECT: Project = {
  file: "/project/langgraph.json",
  dir: "/project",
  isBuiltIn: false,
  graphs: {},
  env: {},
  content: { graphs: {} },
  warnings: [],
};

beforeEach(() => {
  // loadConfig fills the process environment; each test gets a copy of it to fill.
  const before = { ...process.env };
  onTestFinished(() => {
    process.env = before;
  });
  for (const name of ["PORT", "HOST", "MODEL", "HOLDFAST_SLOTS", "DATABASE_URL"]) {
    vi.stubEnv(name, undefined);
  }
});

async function makeProject(files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-config-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(dir, name), content);
  }
  return dir;
}

test("flags win over the environment, that over the project's env, that over .env", async () => {
  const cwd = await makeProject({
    ".env": "PORT=1001\nHOST=from-dotenv\nMODEL=from-dotenv\nHOLDFAST_SLOTS=7",
    "langgraph.json": JSON.stringify({
      graphs: { agent: "./a.ts:graph" },
      env: { PORT: "1002", HOST: "from-project", MODEL: "from-project" },
    }),
  });
  process.env.PORT = "1003";
  process.env.HOST = "from-environment";
  const config = await loadConfig({ cwd, flags: { PORT: "1004" } });
  expect(config.http).toMatchObject({ port: 1004, host: "from-environment" });
  expect(config.models.model).toBe("from-project");
  expect(config.workers.slots).toBe(7);
  expect(process.env.MODEL).toBe("from-project");
});

test("HOLDFAST_CONFIG may stand in .env", async () => {
  const cwd = await makeProject({
    ".env": "HOLDFAST_CONFIG=other.json",
    "other.json": JSON.stringify({ graphs: { other: "./o.ts:graph" } }),
  });
  expect(Object.keys((await loadConfig({ cwd })).project.graphs)).toEqual(["other"]);
});

test("the result is frozen all the way down and paths in it are absolute", () => {
  const config = buildConfig(parseEnv({}), PROJECT, { cwd: "/somewhere", isDev: false });
  expect(config.database.dataDir).toBe("/somewhere/.holdfast");
  expect(Object.isFrozen(config)).toBe(true);
  expect(Object.values(config).filter((group) => typeof group === "object" && !Object.isFrozen(group))).toEqual([]);
});

test("truncation exists only in dev, and only when asked for", () => {
  const allowed = (asked: string, isDev: boolean): boolean =>
    buildConfig(parseEnv({ HOLDFAST_ALLOW_TRUNCATE: asked }), PROJECT, { cwd: "/", isDev }).http.isTruncateAllowed;
  expect([allowed("1", true), allowed("1", false), allowed("0", true)]).toEqual([true, false, false]);
});

test("an API that other machines reach must ask who is there, unless told otherwise", () => {
  const auth = (source: Record<string, string>, content: object = {}) =>
    buildConfig(parseEnv(source), { ...PROJECT, content: { graphs: {}, ...content } }, { cwd: "/", isDev: false }).auth;
  const HOST = "0.0.0.0";
  expect(auth({ HOST }).refusal).toMatch(/HOST is "0\.0\.0\.0" and no authentication is configured/);
  expect(auth({ HOST: "127.0.0.1" })).toMatchObject({ isOpen: true, refusal: undefined });
  expect(auth({ HOST, HOLDFAST_ALLOW_OPEN: "1" })).toMatchObject({ isOpen: true, refusal: undefined });
  expect(auth({ HOST, HOLDFAST_API_KEYS: "1" })).toMatchObject({ isOpen: false, refusal: undefined });
  expect(auth({ HOST, HOLDFAST_JWT_JWKS_URL: "https://id.example/jwks" })).toMatchObject({
    isOpen: false,
    refusal: undefined,
  });
  expect(auth({ HOST }, { auth: { path: "./auth.ts:auth" } })).toMatchObject({
    refusal: undefined,
    handlers: { file: "/project/auth.ts", exportName: "auth" },
  });
});

test("Studio's header counts only where the project says so and only this machine is reached, or the environment insists", () => {
  const isAllowed = (source: Record<string, string>, disable_studio_auth?: boolean): boolean =>
    buildConfig(
      parseEnv(source),
      { ...PROJECT, content: { graphs: {}, auth: { path: "./auth.ts:auth", disable_studio_auth } } },
      { cwd: "/", isDev: false },
    ).auth.isStudioAllowed;
  expect([isAllowed({}), isAllowed({}, true), isAllowed({}, false)]).toEqual([false, false, true]);
  expect(isAllowed({ HOST: "0.0.0.0" }, false)).toBe(false);
  expect(isAllowed({ HOST: "0.0.0.0", HOLDFAST_STUDIO_AUTH: "1" }, false)).toBe(true);
});

test("settings for tokens without the keys to verify them are refused", () => {
  expect(() => buildConfig(parseEnv({ HOLDFAST_JWT_ISSUER: "x" }), PROJECT, { cwd: "/", isDev: false })).toThrow(
    "HOLDFAST_JWT_JWKS_URL is not set",
  );
});

test("a heartbeat too slow for its lease is refused", () => {
  const env = parseEnv({ HOLDFAST_LEASE_DURATION_MS: "4000", HOLDFAST_HEARTBEAT_INTERVAL_MS: "2500" });
  expect(() => buildConfig(env, PROJECT, { cwd: "/", isDev: false })).toThrow(
    "HOLDFAST_HEARTBEAT_INTERVAL_MS is 2500, but must be at most half of HOLDFAST_LEASE_DURATION_MS (4000)",
  );
});

test("the model's reason says how to choose another", () => {
  const reason = (source: Record<string, string>): string =>
    buildConfig(parseEnv(source), PROJECT, { cwd: "/", isDev: false }).models.reason;
  expect(reason({})).toContain("set MODEL=openai:NAME");
  expect(reason({ ANTHROPIC_API_KEY: "k" })).toContain("set MODEL=anthropic:NAME to use your provider");
  expect(reason({ MODEL: "ollama:x" })).toBe("MODEL says so");
});
