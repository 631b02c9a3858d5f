// Builds the React components of the project file's `ui`, with the package that LangGraph's own tools build them with.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Project } from "../config/project-file.ts";
import { UserInterfaceError } from "../domain/errors.ts";
import type { UserInterfaceFile, UserInterfaces } from "../domain/ports/user-interfaces.ts";

/** Large (it brings esbuild and Tailwind) and wanted by few, so it belongs to the project that uses it. */
const BUILDER = "@langchain/langgraph-ui";

interface BuildOptions {
  cwd: string;
  /** Paths of components by agent, relative to `cwd`. */
  defs: Record<string, string>;
  config: { shared?: string[] };
}

interface Builder {
  /** Writes `public/AGENT/...` into the folder `output`. */
  build(options: BuildOptions & { output: string }): Promise<void>;
}

/** `undefined` where the project has no `ui`. */
export function createUserInterfaces({ file, dir, content }: Project): UserInterfaces | undefined {
  const { ui, ui_config: config } = content;
  if (ui === undefined) return undefined;
  const built = new Map<string, Promise<UserInterfaceFile[]>>();
  return {
    async findFiles(agent) {
      const userPath = Object.hasOwn(ui, agent) ? ui[agent] : undefined;
      if (userPath === undefined) return undefined;
      let building = built.get(agent);
      if (building === undefined) {
        const options = {
          cwd: dir,
          defs: { [agent]: userPath },
          config: config?.shared ? { shared: config.shared } : {},
        };
        building = buildFiles(agent, options, file);
        built.set(agent, building);
        // Built again when asked again: the cause may be mended by then.
        building.catch(() => built.delete(agent));
      }
      return building;
    },
  };
}

async function buildFiles(agent: string, options: BuildOptions, projectFile: string): Promise<UserInterfaceFile[]> {
  const { build } = await importBuilder(projectFile);
  const output = await mkdtemp(join(tmpdir(), "holdfast-ui-"));
  try {
    await build({ ...options, output });
    const folder = join(output, "public", agent);
    const names = await readdir(folder);
    return await Promise.all(names.map(async (name) => ({ name, content: await readFile(join(folder, name)) })));
  } catch (error) {
    throw new UserInterfaceError(`The components of "${agent}" (${options.defs[agent]}) do not build.`, {
      cause: error,
    });
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

/** The project's copy, else the server's. */
async function importBuilder(projectFile: string): Promise<Builder> {
  for (const from of [projectFile, import.meta.url]) {
    try {
      return (await import(pathToFileURL(createRequire(from).resolve(BUILDER)).href)) as Builder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new UserInterfaceError(`The project file's "ui" needs the package ${BUILDER}: npm install ${BUILDER}`);
}
