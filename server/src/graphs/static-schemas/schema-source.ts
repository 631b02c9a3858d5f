// The TypeScript that asks a graph's file for its types; it is compiled beside the file and never written.
import { basename } from "node:path";

/** Names of the exported types, by schema. */
export const SCHEMA_TYPES = {
  state: "HoldfastState",
  input: "HoldfastInput",
  output: "HoldfastOutput",
  config: "HoldfastConfig",
} as const;

/** Name of the type that stands for any message. */
export const MESSAGE_TYPE = "HoldfastMessage";

/**
 * Types as they travel: messages in their wire form, dates as texts, functions left out. A message is told by its shape, since the
 * graph may use another copy of LangChain.
 */
const WIRE_TYPES = `
interface ${MESSAGE_TYPE} { type: string; content: string | { [key: string]: unknown }[]; id?: string; name?: string; [key: string]: unknown }
type At<T, K> = K extends keyof T ? T[K] : never;
type IsMessage<T> = T extends { lc_namespace: string[]; lc_kwargs: any; content: any } ? true : never;
type HoldsMessages<T> = T extends readonly (infer Item)[] ? IsMessage<Item> : never;
type Wire<T> = unknown extends T ? any : [HoldsMessages<T>] extends [never] ? WireOne<T> : ${MESSAGE_TYPE}[];
type WireOne<T> = [IsMessage<T>] extends [never] ? WirePlain<T> : ${MESSAGE_TYPE};
type WirePlain<T> = T extends { __overwrite__: any } ? never
  : T extends Date ? string
  : T extends (...args: any[]) => any ? never
  : T extends readonly (infer Item)[] ? Wire<Item>[]
  : T extends object ? { [Key in keyof T]: Wire<T[Key]> }
  : T;`;

/** A compiled graph, a builder, an agent or a factory of one of them. */
const GRAPH_TYPES = `
type Made<T> = T extends (...args: any[]) => infer Result ? Awaited<Result> : Awaited<T>;
type Inner<T> = T extends { graph: infer Graph } ? Graph : T;
type Compiled<T> = T extends { compile: (...args: any[]) => infer Graph } ? Graph : T;
type Graph = Compiled<Inner<Made<typeof Exported>>>;
type Options = At<Graph, "invoke"> extends (input: any, options?: infer Given) => any ? NonNullable<Given> : never;`;

/** @param file the graph's; the text is to be compiled in the same folder */
export function schemaSource(file: string, exportName: string): string {
  const name = exportName === "default" ? "default as Exported" : `${exportName} as Exported`;
  return `import type { ${name} } from ${JSON.stringify(`./${basename(file)}`)};
${WIRE_TYPES}
${GRAPH_TYPES}
export type ${SCHEMA_TYPES.state} = Wire<At<Graph, "~RunOutput">>;
export type ${SCHEMA_TYPES.input} = Wire<At<Graph, "~InputType">>;
export type ${SCHEMA_TYPES.output} = Wire<At<Graph, "~OutputType">>;
export type ${SCHEMA_TYPES.config} = Wire<NonNullable<At<Options, "context">>>;
`;
}
