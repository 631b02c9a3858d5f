// The embedding model that `store.index.embed` of the project file names: a provider's, or a module of the user's.
import { isAbsolute, resolve } from "node:path";
import { ConfigurationError } from "../domain/errors.ts";
import { importModule } from "./import-module.ts";
import { describeError } from "./run-error.ts";

/** What the store needs of an embedding model; LangChain's `Embeddings` have it. */
export interface TextEmbeddings {
  embedQuery(text: string): Promise<number[]>;
  embedDocuments(texts: string[]): Promise<number[][]>;
}

/** A user's function: vectors of texts, in their order. */
type EmbedTexts = (texts: string[]) => number[][] | Promise<number[][]>;

/** `./file.ts:fn`; everything else names a provider's model. */
const MODULE_PATH = /^(\.{0,2}[\\/].+|.+\.[cm]?[jt]sx?):([^:\\/]+)$/;

/**
 * @param embed `openai:text-embedding-3-small`, `ollama:…`, or `./file.ts:fn`, where `fn` is a function from texts to vectors or
 *   an instance of LangChain's `Embeddings`
 * @throws GraphLoadError when the module cannot be loaded, ConfigurationError when it exports nothing usable or the provider
 *   lacks a setting
 */
export async function loadEmbeddings(
  embed: string,
  options: { projectDir: string; dims: number },
): Promise<TextEmbeddings> {
  const [, path, exportName] = MODULE_PATH.exec(embed) ?? [];
  if (path === undefined || exportName === undefined) return createProviderEmbeddings(embed, options.dims);
  const file = isAbsolute(path) ? path : resolve(options.projectDir, path);
  const exports = await importModule(file, { projectDir: options.projectDir, revision: 0 });
  const exported = exports[exportName];
  if (isEmbeddings(exported)) return exported;
  if (typeof exported === "function") return fromFunction(exported as EmbedTexts);
  throw new ConfigurationError(
    `store.index.embed: ${file} must export ${exportName} as a function from texts to vectors, or as LangChain Embeddings.`,
  );
}

async function createProviderEmbeddings(spec: string, dims: number): Promise<TextEmbeddings> {
  // Only here: the kit brings all of LangChain along.
  const { createEmbeddings } = await import("@holdfast/kit");
  try {
    return await createEmbeddings(spec, { dimensions: dims });
  } catch (cause) {
    throw new ConfigurationError(`store.index.embed: ${describeError(cause).message}`, { cause });
  }
}

function isEmbeddings(value: unknown): value is TextEmbeddings {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof Reflect.get(value, "embedQuery") === "function" &&
    typeof Reflect.get(value, "embedDocuments") === "function"
  );
}

function fromFunction(embedTexts: EmbedTexts): TextEmbeddings {
  const embedDocuments = async (texts: string[]) => embedTexts(texts);
  return {
    embedDocuments,
    embedQuery: async (text) => (await embedDocuments([text]))[0] ?? [],
  };
}
