// Loading graphs from files: every kind of export in this process, and TypeScript projects of both module systems in a plain Node process.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphLoadError } from "../domain/errors.ts";
import { GraphRegistry } from "./graph-registry.ts";
import { loadGraph } from "./load-graph.ts";
import { TESTING_GRAPHS_DIR } from "./testing/execution-harness.ts";

const GRAPHS_DIR = dirname(fileURLToPath(import.meta.url));
const READ_ONLY = { accessContext: "assistants.read", executionRuntime: null } as const;

const GRAPH_SOURCE = `
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { shout } from "./shout";
enum Mark { Loud = "!" }
const State = Annotation.Root({ text: Annotation<string> });
export const graph = new StateGraph(State)
  .addNode("shout", (state) => ({ text: shout(state.text, Mark.Loud) }))
  .addEdge(START, "shout").addEdge("shout", END).compile();
`;

interface Result {
  values?: unknown;
  isShared?: boolean;
  isReloaded?: boolean;
  name?: string;
  message?: string;
}

describe("kinds of exports", () => {
  const load = (exportName: string) =>
    loadGraph({ path: "./exports.ts", exportName }, { projectDir: TESTING_GRAPHS_DIR });
  const invoke = async (exportName: string, configurable: Record<string, unknown> = {}) => {
    const loaded = await load(exportName);
    const graph = await loaded.instantiate({ configurable }, READ_ONLY);
    for await (const chunk of await graph.stream({ text: "" }, { streamMode: ["values"] })) void chunk;
    return loaded;
  };

  it.each(["compiled", "builder", "promised"])("takes %s and gives the same graph each time", async (exportName) => {
    const loaded = await invoke(exportName);
    expect(loaded.isFactory).toBe(false);
    const twice = [
      await loaded.instantiate({ configurable: {} }, READ_ONLY),
      await loaded.instantiate({ configurable: {} }, READ_ONLY),
    ];
    expect(twice[0]).toBe(twice[1]);
  });

  it.each(["factory", "asyncFactory"])("calls %s anew each time with configuration and runtime", async (exportName) => {
    const loaded = await load(exportName);
    expect(loaded.isFactory).toBe(true);
    const runtime = { accessContext: "threads.create_run", executionRuntime: { context: { who: "me" } } } as const;
    const one = await loaded.instantiate({ configurable: { name: "one" } }, runtime);
    const two = await loaded.instantiate({ configurable: { name: "two" } }, READ_ONLY);
    expect(Object.keys(one.nodes)).toContain("one threads.create_run me");
    expect(Object.keys(two.nodes)).toContain("two assistants.read nobody");
  });

  it("takes the graph inside an agent", async () => {
    const loaded = await loadGraph({ path: "./chat.ts", exportName: "agent" }, { projectDir: TESTING_GRAPHS_DIR });
    const graph = await loaded.instantiate({ configurable: {} }, READ_ONLY);
    expect(Object.keys(graph.nodes)).toContain("model_request");
  });

  it("says what is wrong", async () => {
    await expect(load("missing")).rejects.toThrow(/has no export named "missing"; its exports are: .*compiled/);
    await expect(load("plain")).rejects.toThrow(/:plain is a plain object, not a graph/);
    await expect(load("number")).rejects.toThrow(/:number is a number, not a graph/);
    const broken = await load("brokenFactory");
    await expect(broken.instantiate({ configurable: {} }, READ_ONLY)).rejects.toThrow(
      /brokenFactory threw TypeError: no key/,
    );
    const empty = await load("emptyFactory");
    await expect(empty.instantiate({ configurable: {} }, READ_ONLY)).rejects.toThrow(
      /emptyFactory returned is undefined, not a graph/,
    );
    await expect(loadGraph({ path: "./nowhere.ts" }, { projectDir: TESTING_GRAPHS_DIR })).rejects.toThrow(
      /nowhere\.ts does not exist/,
    );
    await expect(loadGraph({ path: "./graph.py" }, { projectDir: TESTING_GRAPHS_DIR })).rejects.toBeInstanceOf(
      GraphLoadError,
    );
  });
});

async function transpile(dir: string, names: string[]): Promise<string> {
  const out = join(dir, "dist", "graphs");
  await mkdir(join(dir, "dist", "domain"), { recursive: true });
  await mkdir(out, { recursive: true });
  for (const name of [...names, "../domain/errors.ts"]) {
    const source = await readFile(join(GRAPHS_DIR, name), "utf8");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2022,
        rewriteRelativeImportExtensions: true,
      },
    });
    await writeFile(join(out, name.replace(/\.ts$/, ".js")), outputText);
  }
  return pathToFileURL(join(out, "load-graph.js")).href;
}

async function writeProject(dir: string, name: string, manifest: object): Promise<void> {
  const project = join(dir, name);
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify(manifest));
  await writeFile(join(project, "graph.ts"), GRAPH_SOURCE);
  await writeFile(
    join(project, "shout.ts"),
    "export const shout = (text: string, mark: string): string => text + mark;",
  );
  await writeFile(join(project, "tsconfig.json"), "{}");
  await writeFile(join(project, "entry.mjs"), 'export { graph } from "./graph.ts";');
  await writeFile(join(project, "syntax.ts"), "export const graph = 1;\nconst x: = 3;\n");
  await writeFile(join(project, "throws.ts"), 'export {};\nthrow new Error("SECRET_KEY is not set");');
  await writeFile(join(project, "imports.ts"), 'export * from "./not-there";');
}

/** A folder outside the repository from which the installed packages can be found. */
async function makeProjectDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "load-graph-"));
  await writeFile(join(dir, "package.json"), '{"type":"module"}');
  await symlink(
    dirname(dirname(createRequire(import.meta.url).resolve("tsx/package.json"))),
    join(dir, "node_modules"),
  );
  return dir;
}

describe("in a plain Node process", () => {
  let dir: string;
  let results: Map<string, Result>;

  beforeAll(async () => {
    dir = await makeProjectDir();
    const loaderUrl = await transpile(dir, ["load-graph.ts", "import-module.ts", "compiled-graph.ts", "run-error.ts"]);
    await writeProject(dir, "esm", { type: "module" });
    await writeProject(dir, "bare", {});
    const runner = join(dir, "load-from-dist.mjs");
    await writeFile(runner, await readFile(join(TESTING_GRAPHS_DIR, "load-from-dist.mjs"), "utf8"));
    const specs = ["esm", "bare"].flatMap((project) =>
      ["entry.mjs", "graph.ts", "syntax.ts", "throws.ts", "imports.ts"].map(
        (file) => `${join(dir, project)}|./${file}|graph`,
      ),
    );
    const { stdout } = await promisify(execFile)(process.execPath, [runner, loaderUrl, ...specs], { cwd: dir });
    const parsed = JSON.parse(stdout) as Result[];
    results = new Map(
      specs.map((spec, index) => {
        const [project = "", file = ""] = spec.split("|");
        return [`${basename(project)} ${file}`, parsed[index] ?? {}];
      }),
    );
  });

  afterAll(() => rm(dir, { recursive: true, force: true }));

  it.each(["esm", "bare"])("loads and runs TypeScript with enums and extensionless imports (%s project)", (project) => {
    expect(results.get(`${project} ./graph.ts`)?.values).toEqual({ text: "hi!" });
    expect(results.get(`${project} ./graph.ts`)?.isReloaded).toBe(true);
  });

  it("loads a JavaScript file that imports TypeScript, in a project with a tsconfig.json", () => {
    expect(results.get("esm ./entry.mjs")).toMatchObject({ values: { text: "hi!" } });
  });

  it("shares LangGraph with an ESM project", () => {
    expect(results.get("esm ./graph.ts")?.isShared).toBe(true);
  });

  it.each(["esm", "bare"])("names file and line of a syntax error (%s project)", (project) => {
    const result = results.get(`${project} ./syntax.ts`);
    expect(result?.name).toBe("GraphLoadError");
    expect(result?.message).toMatch(/syntax\.ts does not compile: .*syntax\.ts:2:9: .*Unexpected/);
  });

  it.each(["esm", "bare"])("passes on what a module threw (%s project)", (project) => {
    expect(results.get(`${project} ./throws.ts`)?.message).toMatch(
      /throws\.ts failed while being imported: Error: SECRET_KEY is not set/,
    );
    expect(results.get(`${project} ./imports.ts`)?.message).toMatch(
      /imports\.ts failed while being imported: .*not-there/,
    );
  });
});

describe("the registry", () => {
  it("loads once, again after a reload, and tries a broken file anew", async () => {
    const dir = await makeProjectDir();
    try {
      const file = join(dir, "graph.ts");
      const registry = new GraphRegistry({ graphs: { g: { path: file, exportName: "graph" } }, projectDir: dir });
      await expect(registry.load("g")).rejects.toThrow(/does not exist/);
      const source = GRAPH_SOURCE.replace(
        'import { shout } from "./shout";',
        "const shout = (a: string, b: string) => a + b;",
      );
      await writeFile(file, source);
      const first = await registry.load("g");
      expect(await registry.load("g")).toBe(first);
      await writeFile(file, source.replaceAll('"shout"', '"whisper"'));
      registry.reload();
      const second = await registry.instantiate("g", { configurable: {} }, READ_ONLY);
      expect(Object.keys(second.nodes)).toContain("whisper");
      await expect(registry.load("other")).rejects.toThrow(/Graph "other" is not configured/);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
