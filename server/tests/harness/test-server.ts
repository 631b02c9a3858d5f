// A whole server in this process, on a free port and with a database of its own.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type App, createApp, type Roles } from "../../src/app.ts";
import { buildConfig } from "../../src/config/config.ts";
import { parseEnv } from "../../src/config/env.ts";
import { readProjectFile } from "../../src/config/project-file.ts";
import type { ProjectFileContent } from "../../src/config/project-file-schema.ts";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";

/** Where the compatibility report collects which operations the suite has seen answered, and how. */
const ANSWERS_DIR = process.env.HOLDFAST_COMPAT_ANSWERS_DIR;

async function recordAnswers(address: string | undefined): Promise<void> {
  if (ANSWERS_DIR === undefined || address === undefined) return;
  const metrics = await (await fetch(`${address}/metrics?format=json`)).json();
  await writeFile(join(ANSWERS_DIR, `${process.pid}-${Math.random()}.json`), JSON.stringify(metrics));
}

/** The project with the graphs of these tests. */
export const TEST_PROJECT_FILE = fileURLToPath(new URL("../graphs/langgraph.json", import.meta.url));

export interface TestServerOptions {
  /** Which of the test project's graphs to load. @default all */
  graphs?: string[];
  /** Holdfast's variables; nothing else of the environment counts. */
  env?: Record<string, string>;
  /** Further keys of the project file. */
  content?: Partial<ProjectFileContent>;
  /** @default both */
  roles?: Roles;
  /** Shared with another server. @default its own */
  database?: TestDatabase;
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly app: App;
  readonly database: TestDatabase;
}

/** Starts a server as `holdfast dev` would. Dispose it at the end. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = options.database ?? (await openTestDatabase());
  const project = await readProjectFile(TEST_PROJECT_FILE);
  const graphs = Object.fromEntries(
    Object.entries(project.graphs).filter(([graphId]) => options.graphs?.includes(graphId) ?? true),
  );
  const env = parseEnv({
    DATABASE_URL: database.url,
    PORT: "0",
    LOG_LEVEL: process.env.LOG_LEVEL ?? "silent",
    HOLDFAST_DRAIN_GRACE_MS: "0",
    // Reading types keeps a core busy for seconds; the tests of schemas switch it on.
    HOLDFAST_SCHEMA_TIMEOUT_MS: "0",
    ...options.env,
  });
  const content = { ...project.content, ...options.content };
  const config = buildConfig(env, { ...project, graphs, content }, { cwd: process.cwd(), isDev: true });
  const app = await createApp(config, options.roles ?? { api: true, worker: true });
  return {
    url: app.address ?? "",
    app,
    database,
    async [Symbol.asyncDispose]() {
      await recordAnswers(app.address);
      await app[Symbol.asyncDispose]();
      if (options.database === undefined) await database.close();
    },
  };
}
