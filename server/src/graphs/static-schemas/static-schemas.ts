// Schemas of graphs that are described by TypeScript types alone: read off their source in the background, one graph at a time.
import { type ChildProcess, fork } from "node:child_process";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { GraphSchemaRepository } from "../../domain/ports/graph-schemas.ts";
import { type ExtractedSchemas, keepable, type SchemaSet, schemaKey, stillHolds } from "./schema-cache.ts";

export interface StaticSchemasOptions {
  projectDir: string;
  repository: GraphSchemaRepository;
  /** Longest time of one extraction; 0 switches them off. */
  timeoutMs: number;
  /** Told how each extraction went; the run-time schemas are served where one failed. */
  onExtracted: (extraction: { graphId: string; durationMs: number; isCached: boolean; error?: unknown }) => void;
}

export interface GraphSource {
  graphId: string;
  /** Absolute path. */
  file: string;
  exportName: string;
}

export class StaticSchemas implements Disposable {
  readonly #options: StaticSchemasOptions;
  readonly #found = new Map<string, SchemaSet>();
  readonly #asked = new Set<string>();
  #queue: Promise<void> = Promise.resolve();
  #child: ChildProcess | undefined;
  #isClosed = false;

  constructor(options: StaticSchemasOptions) {
    this.#options = options;
  }

  /** What is known by now. */
  find(graphId: string): SchemaSet | undefined {
    return this.#found.get(graphId);
  }

  /** Looks at the graph's types when its turn comes; once per graph. */
  request(source: GraphSource): void {
    if (this.#options.timeoutMs === 0 || this.#asked.has(source.graphId)) return;
    this.#asked.add(source.graphId);
    this.#queue = this.#queue.then(() => this.#resolve(source));
  }

  /** Forgets what is known, since files may have changed. */
  reset(): void {
    this.#found.clear();
    this.#asked.clear();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#child?.kill("SIGKILL");
  }

  async #resolve(source: GraphSource): Promise<void> {
    if (this.#isClosed) return;
    const { repository, projectDir, onExtracted } = this.#options;
    const { graphId } = source;
    const beganAtMs = performance.now();
    const durationMs = () => Math.round(performance.now() - beganAtMs);
    try {
      const key = await schemaKey(source.file, source.exportName);
      const kept = await repository.findSchemas(key);
      if (kept !== undefined && (await stillHolds(kept, projectDir))) {
        this.#found.set(graphId, kept.schemas as SchemaSet);
        onExtracted({ graphId, durationMs: durationMs(), isCached: true });
        return;
      }
      const extracted = await this.#extract(source);
      this.#found.set(graphId, extracted.schemas);
      onExtracted({ graphId, durationMs: durationMs(), isCached: false });
      await repository.keepSchemas(key, await keepable(extracted, projectDir));
    } catch (error) {
      if (!this.#isClosed) onExtracted({ graphId, durationMs: durationMs(), isCached: false, error });
    }
  }

  #extract({ file, exportName }: GraphSource): Promise<ExtractedSchemas> {
    const child = startExtraction(file, exportName);
    this.#child = child;
    const timer = setTimeout(() => child.kill("SIGKILL"), this.#options.timeoutMs);
    return new Promise<ExtractedSchemas>((resolve, reject) => {
      child.once("message", (answer: { extracted: ExtractedSchemas } | { message: string }) => {
        if ("extracted" in answer) resolve(answer.extracted);
        else reject(new Error(answer.message));
      });
      child.once("error", reject);
      child.once("exit", (code, signal) =>
        reject(new Error(`Reading its types ended early (${signal ?? `exit code ${code}`}).`)),
      );
    }).finally(() => {
      clearTimeout(timer);
      this.#child = undefined;
    });
  }
}

/** Run from source (tests, development) it first needs a loader for TypeScript. */
function startExtraction(file: string, exportName: string): ChildProcess {
  const isSource = import.meta.url.endsWith(".ts");
  const script = fileURLToPath(new URL(`./extract-process.${isSource ? "ts" : "js"}`, import.meta.url));
  const execArgv = isSource ? ["--import", import.meta.resolve("tsx")] : [];
  const child = fork(script, [file, exportName], { execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
  // Requests and runs go first.
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  return child;
}
