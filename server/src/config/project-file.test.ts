// Reads project files as people write them, right and wrong.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findProjectFile, readProjectFile } from "./project-file.ts";

async function write(content: unknown): Promise<{ dir: string; file: string }> {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-project-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, "langgraph.json");
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return { dir, file };
}

const GRAPHS = { agent: "./src/agent.ts:graph" };

test("graphs are resolved against the file, with and without a description", async () => {
  const { dir, file } = await write({ graphs: { ...GRAPHS, other: { path: "./b.js:make", description: "Does b." } } });
  const project = await readProjectFile(file);
  expect(project.graphs).toEqual({
    agent: { file: join(dir, "src/agent.ts"), exportName: "graph", description: undefined },
    other: { file: join(dir, "b.js"), exportName: "make", description: "Does b." },
  });
  expect(project.warnings).toEqual([]);
});

test("env may be a file, an object, or a list of names", async () => {
  const fromFile = await write({ graphs: GRAPHS, env: "./my.env" });
  await writeFile(join(fromFile.dir, "my.env"), 'A=1\nB="two words"\n');
  expect((await readProjectFile(fromFile.file)).env).toEqual({ A: "1", B: "two words" });

  const fromObject = await write({ graphs: GRAPHS, env: { A: "1", B: 2, C: true } });
  expect((await readProjectFile(fromObject.file)).env).toEqual({ A: "1", B: "2", C: "true" });

  const { file } = await write({ graphs: GRAPHS, env: ["PATH", "HOLDFAST_SURELY_NOT_SET"] });
  const project = await readProjectFile(file);
  expect(project.env).toEqual({});
  expect(project.warnings).toEqual([
    `${file}: the environment variable HOLDFAST_SURELY_NOT_SET, which "env" asks for, is not set.`,
  ]);
});

test("an env file that does not exist is a warning", async () => {
  const { dir, file } = await write({ graphs: GRAPHS, env: ".env" });
  expect((await readProjectFile(file)).warnings).toEqual([
    `${file}: the env file ${join(dir, ".env")} does not exist.`,
  ]);
});

test("every known key passes; those without effect and unknown ones are named once, image keys are not", async () => {
  const { file } = await write({
    $schema: "https://example.org/schema.json",
    graphs: GRAPHS,
    node_version: "22",
    dependencies: ["."],
    dockerfile_lines: ["RUN true"],
    base_image: "node:22",
    encryption: { path: "./encryption.ts:hooks" },
    grapsh: {},
  });
  const { warnings } = await readProjectFile(file);
  expect(warnings).toContain(`${file}: "grapsh" is not supported yet and has no effect.`);
  expect(warnings).toContain(`${file}: "encryption" is not supported yet and has no effect.`);
  expect(warnings).toHaveLength(2);
});

test.each([
  [{}, "graphs: "],
  [{ graphs: {} }, "graphs: must name at least one graph"],
  [{ graphs: { agent: 5 } }, "graphs.agent: "],
  [{ graphs: { agent: { description: "no path" } } }, "graphs.agent: "],
  [
    { graphs: { agent: "./agent.ts" } },
    'graphs.agent: "./agent.ts" must be a file and an export, such as "./src/agent.ts:graph"',
  ],
  [{ graphs: { agent: "./agent.py:graph" } }, "is a Python graph; Holdfast runs JavaScript and TypeScript"],
  [{ graphs: { agent: "./agent.txt:graph" } }, "is not a JavaScript or TypeScript file"],
  [{ graphs: GRAPHS, http: { cors: { allow_origins: [1] } } }, "http.cors.allow_origins[0]: "],
  [{ graphs: GRAPHS, checkpointer: { ttl: { strategy: "burn" } } }, "checkpointer.ttl.strategy: "],
  [{ graphs: GRAPHS, store: { index: { dims: -1, embed: "x" } } }, "store.index.dims: "],
  [{ graphs: GRAPHS, webhooks: { url: { allowed_ports: [70_000] } } }, "webhooks.url.allowed_ports[0]: "],
  ['{ "graphs": ', "is not valid JSON"],
])("%j is refused with file and place", async (content, message) => {
  const { file } = await write(content);
  const failure = readProjectFile(file);
  await expect(failure).rejects.toThrow(message);
  await expect(failure).rejects.toThrow(file);
});

test("without a wish, langgraph.json of the folder is taken, else the built-in agents", async () => {
  const { dir, file } = await write({ graphs: GRAPHS });
  expect(findProjectFile(dir, undefined)).toEqual({ file, isBuiltIn: false });
  expect(() => findProjectFile(dir, "nowhere.json")).toThrow(
    `${join(dir, "nowhere.json")} (HOLDFAST_CONFIG or --config) does not exist`,
  );
  const builtIn = findProjectFile(join(dir, "empty"), undefined);
  expect(builtIn.isBuiltIn).toBe(true);
  const project = await readProjectFile(builtIn.file, true);
  expect(Object.keys(project.graphs)).toContain("assistant");
  expect(project.warnings).toEqual([]);
});
