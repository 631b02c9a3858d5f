// The versions this build reports.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export const HOLDFAST_VERSION: string = require("../package.json").version;
export const LANGGRAPH_VERSION: string = readVersionOf("@langchain/langgraph");

/** The package does not export its package.json, so its place is found from its entry. */
function readVersionOf(packageName: string): string {
  const entry = require.resolve(packageName);
  const root = entry.slice(0, entry.lastIndexOf(packageName) + packageName.length);
  return require(`${root}/package.json`).version;
}
