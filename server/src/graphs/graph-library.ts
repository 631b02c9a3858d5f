// Finds the copy of LangGraph a graph was made with: some of its objects are known only to their own copy.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import * as ownLibrary from "@langchain/langgraph";
import type { CompiledGraph } from "./compiled-graph.ts";

export interface GraphLibrary {
  Send: new (node: string, input: unknown) => object;
}

interface Copy extends GraphLibrary {
  BaseChannel: abstract new () => object;
}

/** A channel that every graph has. */
const TASKS_CHANNEL = "__pregel_tasks";

/** One entry per copy: its graphs share their class. */
const known = new WeakMap<object, GraphLibrary>();

function madeBy(graph: CompiledGraph, copy: Copy): boolean {
  return graph.channels[TASKS_CHANNEL] instanceof copy.BaseChannel;
}

/** The copies that `file` can have imported: the CommonJS and the ESM build of the package found from there. */
async function importCopies(file: string): Promise<Copy[]> {
  const require = createRequire(file);
  const entry = require.resolve("@langchain/langgraph");
  const esmEntry = pathToFileURL(entry.replace(/\.cjs$/, ".js")).href;
  return [require(entry) as Copy, (await import(esmEntry)) as Copy];
}

/**
 * The library of `graph`; the server's own where no other copy can be found.
 * @param file where the graph was loaded from
 */
export async function findGraphLibrary(graph: CompiledGraph, file: string): Promise<GraphLibrary> {
  const own = ownLibrary as unknown as Copy;
  if (madeBy(graph, own)) return own;
  const found = known.get(graph.constructor);
  if (found !== undefined) return found;
  const copies = await importCopies(file).catch(() => []);
  const library = copies.find((copy) => madeBy(graph, copy)) ?? own;
  known.set(graph.constructor, library);
  return library;
}
