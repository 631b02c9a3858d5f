// What a figure must be read with: the machine, how busy it was otherwise, the versions, the date.
import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DatabaseServer } from "./database.ts";
import { describeMachine, round } from "./measure.ts";

const PACKAGES = [
  "@holdfast/server",
  "@langchain/langgraph",
  "@langchain/langgraph-checkpoint-postgres",
  "@langchain/langgraph-api",
];

export interface Conditions {
  machine: Record<string, string | number>;
  /** Load average of the last minute before the program began: what else ran. */
  loadBefore: number;
  versions: Record<string, string>;
}

/** Call it before the load begins. */
export async function describeConditions(database: DatabaseServer): Promise<Conditions> {
  const versions: Record<string, string> = { postgres: database.version };
  for (const name of PACKAGES) versions[name] = await readVersion(name);
  return { machine: await describeMachine(), loadBefore: round(loadavg()[0] ?? 0), versions };
}

/** For under a chart's title. */
export function summariseConditions({ machine, loadBefore, versions }: Conditions): string {
  return `${machine.cores} cores (${machine.cpu}), Node ${machine.node}, PostgreSQL ${versions.postgres?.split(" ")[0]}, load before ${loadBefore}, ${String(machine.date).slice(0, 10)}`;
}

/** Walks up from the package's entry, for many packages do not export their package.json. */
async function readVersion(name: string): Promise<string> {
  const entry = name === "@holdfast/server" ? "@holdfast/server/bin/holdfast.js" : name;
  let folder = dirname(fileURLToPath(import.meta.resolve(entry)));
  while (folder !== dirname(folder)) {
    const manifest = await readFile(join(folder, "package.json"), "utf8").then(
      (content) => JSON.parse(content) as { name?: string; version?: string },
      () => undefined,
    );
    if (manifest?.name === name) return manifest.version ?? "unknown";
    folder = dirname(folder);
  }
  return "unknown";
}
