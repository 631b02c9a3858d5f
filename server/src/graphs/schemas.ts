// Finds the JSON schemas of a graph's input, output, state and configuration, as far as they exist at run time.
import { toJsonSchema } from "@langchain/core/utils/json_schema";
import { isZodSchemaV3, isZodSchemaV4 } from "@langchain/core/utils/types";
import {
  getConfigTypeSchema,
  getInputTypeSchema,
  getOutputTypeSchema,
  getUpdateTypeSchema,
} from "@langchain/langgraph/zod/schema";
import type { JsonObject } from "../domain/json.ts";
import type { GraphSchemas } from "../domain/ports/graph-runtime.ts";
import { channelsSchema } from "./channel-schema.ts";
import type { CompiledGraph } from "./compiled-graph.ts";
import type { SchemaSet } from "./static-schemas/schema-cache.ts";

/** What a StateGraph keeps of the schemas it was made with. */
interface Builder {
  _schemaRuntimeDefinition?: unknown;
  _inputRuntimeDefinition?: unknown;
  _outputRuntimeDefinition?: unknown;
  _configRuntimeSchema?: unknown;
  _schemaDefinition?: Record<string, unknown>;
  _inputDefinition?: Record<string, unknown>;
  _outputDefinition?: Record<string, unknown>;
}

interface StateSchemaLike {
  getJsonSchema(): JsonObject;
  getInputJsonSchema(): JsonObject;
}

/** What a graph whose input is its own state, made optional, has as input definition. */
const PARTIAL_STATE = Symbol.for("langgraph.state.partial");

function builderOf(graph: CompiledGraph): Builder | undefined {
  const builder: unknown = Reflect.get(graph, "builder");
  return typeof builder === "object" && builder !== null ? (builder as Builder) : undefined;
}

function asStateSchema(value: unknown): StateSchemaLike | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const hasBoth = ["getJsonSchema", "getInputJsonSchema"].every(
    (name) => typeof Reflect.get(value, name) === "function",
  );
  return hasBoth ? (value as StateSchemaLike) : undefined;
}

/** First tier: the graph was made with LangGraph's StateSchema. */
function fromStateSchema(builder: Builder): SchemaSet {
  const state = asStateSchema(builder._schemaRuntimeDefinition);
  const isPartial = builder._inputRuntimeDefinition === PARTIAL_STATE;
  const input = isPartial ? state : asStateSchema(builder._inputRuntimeDefinition);
  return {
    state: state?.getJsonSchema(),
    input: input?.getInputJsonSchema(),
    output: asStateSchema(builder._outputRuntimeDefinition)?.getJsonSchema(),
  };
}

function attempt(read: () => object | undefined): JsonObject | undefined {
  try {
    return read() as JsonObject | undefined;
  } catch {
    // The definition is of another kind, or has parts without a JSON form: another tier may know it.
    return undefined;
  }
}

type RegistryReader = (graph: unknown) => object | undefined;

function hasZod(definition: unknown): boolean {
  return isZodSchemaV4(definition) || isZodSchemaV3(definition);
}

/** Second tier: zod schemas with what LangGraph's registry knows of their channels. */
function fromZodRegistry(graph: CompiledGraph, builder: Builder): SchemaSet {
  const isPartial = builder._inputRuntimeDefinition === PARTIAL_STATE;
  const input = isPartial ? builder._schemaRuntimeDefinition : builder._inputRuntimeDefinition;
  const read = (definition: unknown, reader: RegistryReader) =>
    hasZod(definition) ? attempt(() => reader(graph)) : undefined;
  return {
    state: read(builder._schemaRuntimeDefinition, getUpdateTypeSchema as RegistryReader),
    input: read(input, getInputTypeSchema as RegistryReader),
    output: read(builder._outputRuntimeDefinition, getOutputTypeSchema as RegistryReader),
    config: read(builder._configRuntimeSchema, getConfigTypeSchema as RegistryReader),
  };
}

function zodSchema(definition: unknown): JsonObject | undefined {
  return isZodSchemaV4(definition) || isZodSchemaV3(definition) ? attempt(() => toJsonSchema(definition)) : undefined;
}

/** Third tier: zod schemas by themselves. */
function fromZod(builder: Builder): SchemaSet {
  const state = zodSchema(builder._schemaRuntimeDefinition);
  const input = zodSchema(builder._inputRuntimeDefinition);
  const { required: _required, ...optionalState } = state ?? {};
  return {
    state,
    input: input ?? (state === undefined ? undefined : optionalState),
    output: zodSchema(builder._outputRuntimeDefinition),
    config: zodSchema(builder._configRuntimeSchema),
  };
}

/** Last run-time tier: the names of the channels, and of some the kind of value. */
function fromChannels(builder: Builder): SchemaSet {
  const state = channelsSchema(builder._schemaDefinition);
  return {
    state,
    input: channelsSchema(builder._inputDefinition) ?? state,
    output: channelsSchema(builder._outputDefinition) ?? state,
  };
}

/** What a graph object tells of its schemas. */
interface RuntimeSchemas {
  /** From schemas that the author wrote. */
  written: SchemaSet;
  /** From channels: names, and of some the kind of value. */
  vague: SchemaSet;
}

/** Each schema from the first tier that knows it. */
function firstOf(tiers: SchemaSet[]): SchemaSet {
  const first = (key: keyof SchemaSet) => tiers.find((tier) => tier[key] !== undefined)?.[key];
  return { state: first("state"), input: first("input"), output: first("output"), config: first("config") };
}

function readRuntimeSchemas(graph: CompiledGraph): RuntimeSchemas {
  const builder = builderOf(graph);
  if (builder === undefined) return { written: {}, vague: {} };
  const written = firstOf([fromStateSchema(builder), fromZodRegistry(graph, builder), fromZod(builder)]);
  return { written, vague: fromChannels(builder) };
}

const runtimeSchemas = new WeakMap<CompiledGraph, RuntimeSchemas>();

/** Kept as long as the graph object lives. */
function runtimeSchemasOf(graph: CompiledGraph): RuntimeSchemas {
  let schemas = runtimeSchemas.get(graph);
  if (schemas === undefined) {
    schemas = readRuntimeSchemas(graph);
    runtimeSchemas.set(graph, schemas);
  }
  return schemas;
}

/** Whether the graph's state is described by TypeScript types alone, which are gone at run time. */
export function isDescribedByTypes(graph: CompiledGraph): boolean {
  return runtimeSchemasOf(graph).written.state === undefined;
}

/**
 * The schemas of `graph`: those its author wrote, then those of its TypeScript types, then what its channels show.
 * @param types what is known of its types by now
 */
export function readGraphSchemas(graphId: string, graph: CompiledGraph, types: SchemaSet = {}): GraphSchemas {
  const { written, vague } = runtimeSchemasOf(graph);
  const set = firstOf([written, types, vague]);
  const config = set.config ?? null;
  return {
    graphId,
    inputSchema: set.input ?? null,
    outputSchema: set.output ?? null,
    stateSchema: set.state ?? null,
    // In LangGraph.js context and configuration are one schema.
    configSchema: config,
    contextSchema: config,
  };
}
