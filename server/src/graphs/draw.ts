// Draws a graph: its nodes and edges as LangGraph describes them.
import type { JsonObject } from "../domain/json.ts";
import type { CompiledGraph } from "./compiled-graph.ts";
import { toWireValue } from "./wire-json.ts";

/** @param xray whether, or how deep, subgraphs are opened */
export async function drawGraph(
  graph: CompiledGraph,
  configurable: JsonObject,
  xray: boolean | number,
): Promise<JsonObject> {
  const drawable = await graph.getGraphAsync({ configurable, xray });
  return toWireValue(drawable.toJSON()) as JsonObject;
}
