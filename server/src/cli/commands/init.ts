// `holdfast init DIR`: a new project with one graph, ready to run.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { ConfigurationError } from "../../domain/errors.ts";
import { HOLDFAST_VERSION, LANGGRAPH_VERSION } from "../../version.ts";
import { makeProjectFiles } from "../init-template.ts";

export function addInitCommand(program: Command): Command {
  return program
    .command("init")
    .description("Makes a new project with one graph, ready to run.")
    .argument("<dir>", "Folder to make; must be empty or not exist.")
    .action(init);
}

async function init(dir: string): Promise<void> {
  const root = resolve(dir);
  await refuseNonEmpty(root);
  const files = makeProjectFiles({
    name: makePackageName(basename(root)),
    holdfastVersion: holdfastDependency(root),
    langgraphVersion: LANGGRAPH_VERSION,
  });
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { flag: "wx" });
  }
  const shown = relative(process.cwd(), root) || ".";
  console.log(
    `Made a project in ${root}:\n${Object.keys(files)
      .map((path) => `  ${path}`)
      .join("\n")}`,
  );
  console.log(`\nNext:\n  cd ${shown}\n  npm install\n  npm run dev`);
}

/** The version to depend on; from a checkout, where nothing is installed from the registry, the checkout itself. */
function holdfastDependency(root: string): string {
  const packageDir = fileURLToPath(new URL("../../..", import.meta.url));
  const isInstalled = packageDir.split(sep).includes("node_modules");
  return isInstalled ? HOLDFAST_VERSION : `file:${relative(root, packageDir).split(sep).join("/")}`;
}

async function refuseNonEmpty(root: string): Promise<void> {
  const entries = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") {
      return [];
    }
    throw new ConfigurationError(`${root} cannot be used: ${error.message}.`, { cause: error });
  });
  if (entries.length > 0) {
    throw new ConfigurationError(
      `${root} is not empty (${entries.slice(0, 3).join(", ")}${entries.length > 3 ? ", ..." : ""}). Name a new folder.`,
    );
  }
}

/** A name that npm accepts. */
function makePackageName(folder: string): string {
  return (
    folder
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, "-")
      .replace(/^[._-]+/, "") || "agent"
  );
}
