// Watches a project's source files and reports changes, several in quick succession as one.
import { type FSWatcher, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, extname, join, relative } from "node:path";

/** Editors write a file in several steps; changes within this time are one. */
const SETTLE_MS = 150;
/** Beyond this many folders the rest is not watched; a graph's sources are never that many. */
const DIRS_MAX = 2_000;
/** Folders that hold no sources, or far too many. */
const IGNORED_DIRS = new Set(["node_modules", "dist", "build", "coverage"]);
const SOURCE_EXTENSIONS = new Set([".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json"]);

/** Something being watched. */
export interface ProjectWatch extends Disposable {
  close(): void;
}

/** Calls `onChange` with the paths (relative to `dir`) that changed. */
export async function watchProject(dir: string, onChange: (files: string[]) => void): Promise<ProjectWatch> {
  const watchers = new Map<string, FSWatcher>();
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const settle = async (): Promise<void> => {
    const files = [...changed].sort();
    changed.clear();
    await addFolders(dir); // A new folder has no watcher yet.
    if (!isClosed && files.length > 0) {
      onChange(files);
    }
  };

  const note = (folder: string, name: string): void => {
    if (isSource(name)) {
      changed.add(relative(dir, join(folder, name)));
    }
    clearTimeout(timer);
    timer = setTimeout(() => void settle(), SETTLE_MS);
  };

  const addFolders = async (folder: string): Promise<void> => {
    if (isClosed || watchers.size >= DIRS_MAX) {
      return;
    }
    if (!watchers.has(folder)) {
      try {
        const watcher = watch(folder, (_, name) => note(folder, name ?? ""));
        const forget = (): void => {
          watcher.close();
          watchers.delete(folder);
        };
        watcher.on("error", forget);
        watchers.set(folder, watcher);
      } catch {
        return; // The folder vanished meanwhile, or the system's limit of watches is reached.
      }
    }
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.isDirectory() && !entry.name.startsWith(".") && !IGNORED_DIRS.has(entry.name)) {
        await addFolders(join(folder, entry.name));
      }
    }
  };

  await addFolders(dir);
  const close = (): void => {
    isClosed = true;
    clearTimeout(timer);
    for (const watcher of watchers.values()) {
      watcher.close();
    }
  };
  return { close, [Symbol.dispose]: close };
}

function isSource(name: string): boolean {
  return SOURCE_EXTENSIONS.has(extname(name)) || basename(name).startsWith(".env");
}
