// What is kept of an extraction, and when it still holds.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import type { JsonObject } from "../../domain/json.ts";
import type { KeptSchemas } from "../../domain/ports/graph-schemas.ts";

/** The schemas of one graph; `undefined` where a tier cannot tell. */
export interface SchemaSet {
  state?: JsonObject | undefined;
  input?: JsonObject | undefined;
  output?: JsonObject | undefined;
  config?: JsonObject | undefined;
}

/** What an extraction found, and the files of the project that it read. */
export interface ExtractedSchemas {
  schemas: SchemaSet;
  files: string[];
}

/** Raised when extractions come to something else than before. */
const EXTRACTOR_VERSION = 1;

async function digestOf(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

/** The same for the same graph file, wherever the project lies. @throws where the file cannot be read */
export async function schemaKey(file: string, exportName: string): Promise<string> {
  return createHash("sha256")
    .update(`${EXTRACTOR_VERSION}\n${exportName}\n${await digestOf(file)}`)
    .digest("hex");
}

/** With the digests of the files it came from. */
export async function keepable({ schemas, files }: ExtractedSchemas, projectDir: string): Promise<KeptSchemas> {
  const digests = await Promise.all(
    files.map(async (file) => [relative(projectDir, file), await digestOf(file)] as const),
  );
  return { schemas: schemas as JsonObject, sources: Object.fromEntries(digests) };
}

/** Whether none of the files has changed. */
export async function stillHolds({ sources }: KeptSchemas, projectDir: string): Promise<boolean> {
  const checks = Object.entries(sources).map(
    async ([path, digest]) => (await digestOf(resolve(projectDir, path)).catch(() => "")) === digest,
  );
  return !(await Promise.all(checks)).includes(false);
}
