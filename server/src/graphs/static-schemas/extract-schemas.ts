// Compiles a graph's file and reads the schemas off its types. Takes seconds of a core: only ever in a process of its own.
import { dirname, join } from "node:path";
import ts from "typescript";
import { buildGenerator, type Definition } from "typescript-json-schema";
import type { JsonObject } from "../../domain/json.ts";
import type { ExtractedSchemas, SchemaSet } from "./schema-cache.ts";
import { SCHEMA_TYPES, schemaSource } from "./schema-source.ts";
import { tidySchema } from "./tidy-schema.ts";

const SOURCE_NAME = "__holdfast_schemas__.ts";

const COMPILER_OPTIONS: ts.CompilerOptions = {
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  allowJs: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  types: [],
};

/** The project's own paths and JSX count; everything else is as the extraction needs it. */
function readProjectOptions(file: string): ts.CompilerOptions {
  const configFile = ts.findConfigFile(dirname(file), ts.sys.fileExists);
  if (configFile === undefined) return COMPILER_OPTIONS;
  const { config } = ts.readConfigFile(configFile, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config ?? {}, ts.sys, dirname(configFile));
  const { paths, baseUrl, jsx, customConditions, pathsBasePath } = options;
  return {
    ...COMPILER_OPTIONS,
    ...Object.fromEntries(
      Object.entries({ paths, baseUrl, jsx, customConditions, pathsBasePath }).filter(
        ([, value]) => value !== undefined,
      ),
    ),
  };
}

/** A host that knows one more file than the disk. */
function hostWith(name: string, text: string, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  return Object.assign(host, {
    fileExists: (path: string) => path === name || fileExists.call(host, path),
    readFile: (path: string) => (path === name ? text : readFile.call(host, path)),
    getSourceFile: (path: string, ...rest: [ts.ScriptTarget | ts.CreateSourceFileOptions]) =>
      path === name ? ts.createSourceFile(path, text, ...rest) : getSourceFile.call(host, path, ...rest),
  });
}

/** @throws where the file cannot be compiled far enough to know the graph's type */
export function extractSchemas(file: string, exportName: string): ExtractedSchemas {
  const options = readProjectOptions(file);
  const source = join(dirname(file), SOURCE_NAME);
  const program = ts.createProgram([source], options, hostWith(source, schemaSource(file, exportName), options));
  const generator = buildGenerator(program, { required: true, ignoreErrors: true, ref: true, topRef: false }, [source]);
  if (generator === null) throw new Error(`The types of ${file} cannot be read.`);
  const read = (name: string): JsonObject | undefined => {
    const schema: Definition | null = generator.getSchemaForSymbol(name);
    return tidySchema(schema as JsonObject | null);
  };
  const schemas: SchemaSet = {
    state: read(SCHEMA_TYPES.state),
    input: read(SCHEMA_TYPES.input),
    output: read(SCHEMA_TYPES.output),
    config: read(SCHEMA_TYPES.config),
  };
  const files = program
    .getSourceFiles()
    .map(({ fileName }) => fileName)
    .filter((name) => name !== source && !name.includes("/node_modules/"));
  return { schemas, files };
}
