// Decides what LangGraph has to compute for the stream modes a client asked for, and nothing beyond it.
import type { StreamMode } from "../domain/run.ts";

export interface StreamPlan {
  /** The modes the client asked for. */
  wanted: ReadonlySet<StreamMode>;
  /** Whether events of subgraphs go out under `mode|namespace`. */
  withSubgraphs: boolean;
  /** Modes to ask LangGraph for. */
  graphModes: string[];
  /** Whether chunks arrive as `[namespace, mode, payload]`. */
  hasNamespaces: boolean;
  /** Whether LangChain's callback events are needed; the costly way to run a graph. */
  usesEvents: boolean;
}

const DIRECT_MODES: ReadonlySet<StreamMode> = new Set([
  "updates",
  "debug",
  "tasks",
  "checkpoints",
  "custom",
  "tools",
] satisfies StreamMode[]);

/** `values` is always computed: it costs a reference per superstep and gives the run's result and its interrupts. */
export function planStream(streamMode: readonly StreamMode[], streamSubgraphs: boolean): StreamPlan {
  const wanted = new Set(streamMode);
  const graphModes = new Set<string>(["values"]);
  for (const mode of wanted) if (DIRECT_MODES.has(mode)) graphModes.add(mode);
  if (wanted.has("messages") || wanted.has("messages-tuple")) graphModes.add("messages");
  return {
    wanted,
    withSubgraphs: streamSubgraphs,
    graphModes: [...graphModes],
    // `messages/*` events come from models inside subgraphs too, whether or not subgraphs are streamed.
    hasNamespaces: streamSubgraphs || wanted.has("messages"),
    usesEvents: wanted.has("events"),
  };
}
