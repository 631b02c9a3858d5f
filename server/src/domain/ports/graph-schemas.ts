// Keeps the schemas that were read off graphs' types, which takes seconds, for other processes and later starts.
import type { JsonObject } from "../json.ts";

export interface KeptSchemas {
  /** JSON schemas by `state`, `input`, `output`, `config`. */
  schemas: JsonObject;
  /** SHA-256 of the project's files they came from, by path relative to the project. */
  sources: Record<string, string>;
}

export interface GraphSchemaRepository {
  /** @param key the graph file's content and export, as a digest */
  findSchemas(key: string): Promise<KeptSchemas | undefined>;
  keepSchemas(key: string, kept: KeptSchemas): Promise<void>;
}
