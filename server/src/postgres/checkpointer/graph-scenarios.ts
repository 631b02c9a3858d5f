// Graphs and the calls made on them, run on two checkpointers side by side by the tests.
import { AIMessage, type BaseMessage, HumanMessage, RemoveMessage, ToolMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Annotation,
  type BaseCheckpointSaver,
  Command,
  DeltaChannel,
  END,
  interrupt,
  MessagesAnnotation,
  messagesDeltaReducer,
  messagesStateReducer,
  Send,
  START,
  StateGraph,
} from "@langchain/langgraph";

/** What the scenarios need of a compiled graph. */
// biome-ignore lint/suspicious/noExplicitAny: each scenario's state has a type of its own; the tests compare values only.
export type AnyGraph = any;

/** A graph and what is done with it. */
export interface Scenario {
  readonly name: string;
  /** Whether nodes change values in place: what an earlier checkpoint then holds depends on when it is written. */
  readonly isSyncOnly?: boolean;
  readonly build: (checkpointer: BaseCheckpointSaver) => AnyGraph;
  readonly run: (graph: AnyGraph, config: RunnableConfig) => Promise<void>;
}

const say = (id: string, content: string): HumanMessage => new HumanMessage({ id, content });
const answer = (id: string, content: string, fields: object = {}): AIMessage =>
  new AIMessage({ id, content, ...fields });
/** Long enough that lists become items at once. */
const LONG = "lorem ipsum dolor sit amet ".repeat(20);

function chat(checkpointer: BaseCheckpointSaver): AnyGraph {
  return new StateGraph(MessagesAnnotation)
    .addNode("think", ({ messages }) => ({ messages: [answer(`t${messages.length}`, `thinking ${LONG}`)] }))
    .addNode("speak", ({ messages }) => ({ messages: [answer(`s${messages.length}`, `spoken ${messages.length}`)] }))
    .addEdge(START, "think")
    .addEdge("think", "speak")
    .addEdge("speak", END)
    .compile({ checkpointer });
}

function toolLoop(checkpointer: BaseCheckpointSaver): AnyGraph {
  const State = Annotation.Root({ ...MessagesAnnotation.spec, left: Annotation<number>() });
  return new StateGraph(State)
    .addNode("agent", ({ messages, left }) => {
      const calls = [1, 2].map((n) => ({
        id: `c${messages.length}-${n}`,
        name: "look",
        args: { n },
        type: "tool_call" as const,
      }));
      return {
        left: (left ?? 2) - 1,
        messages: [answer(`a${messages.length}`, LONG, (left ?? 2) > 0 ? { tool_calls: calls } : {})],
      };
    })
    .addNode("tools", async (state: { messages: BaseMessage[]; call?: { id: string; args: { n: number } } }) => {
      const call = state.call as { id: string; args: { n: number } };
      // The second call ends first: writes arrive in another order than they are applied.
      await new Promise((resolve) => setTimeout(resolve, call.args.n === 1 ? 15 : 1));
      return {
        messages: [new ToolMessage({ id: `r${call.id}`, tool_call_id: call.id, content: LONG, artifact: { n: 1 } })],
      };
    })
    .addEdge(START, "agent")
    .addConditionalEdges("agent", (state) => {
      const calls = (state.messages.at(-1) as AIMessage).tool_calls ?? [];
      return calls.length === 0 ? END : calls.map((call) => new Send("tools", { ...state, call, jumpTo: undefined }));
    })
    .addEdge("tools", "agent")
    .compile({ checkpointer });
}

function approval(checkpointer: BaseCheckpointSaver): AnyGraph {
  const State = Annotation.Root({
    ...MessagesAnnotation.spec,
    log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  });
  return new StateGraph(State)
    .addNode("left", () => ({ log: ["left"] }))
    .addNode("ask", () => {
      const first = interrupt<{ question: string }, string>({ question: "first?" });
      const second = interrupt<{ question: string }, string>({ question: "second?" });
      return { log: [first, second], messages: [answer("asked", `${first} ${second}`)] };
    })
    .addEdge(START, "left")
    .addEdge(START, "ask")
    .compile({ checkpointer });
}

function withSubgraph(checkpointer: BaseCheckpointSaver): AnyGraph {
  const inner = new StateGraph(MessagesAnnotation)
    .addNode("inner", ({ messages }) => ({ messages: [answer(`i${messages.length}`, LONG)] }))
    .addNode("wait", ({ messages }) => ({ messages: [answer(`w${messages.length}`, String(interrupt("inside?")))] }))
    .addEdge(START, "inner")
    .addEdge("inner", "wait")
    .compile();
  return new StateGraph(MessagesAnnotation)
    .addNode("before", () => ({ messages: [answer("before", LONG)] }))
    .addNode("sub", inner)
    .addEdge(START, "before")
    .addEdge("before", "sub")
    .compile({ checkpointer });
}

function odd(checkpointer: BaseCheckpointSaver): AnyGraph {
  const State = Annotation.Root({
    bytes: Annotation<{ data: Uint8Array }>(),
    map: Annotation<Map<string, number>>(),
    set: Annotation<Set<string>>(),
    when: Annotation<Date>(),
    gap: Annotation<{ a?: string; b: number }>(),
    large: Annotation<{ text: string }>(),
    todos: Annotation<{ title: string; done: boolean }[]>(),
    numbers: Annotation<number[]>(),
    pair: Annotation<[string, unknown]>(),
    error: Annotation<Error>(),
  });
  return (
    new StateGraph(State)
      .addNode("fill", () => ({
        bytes: { data: new Uint8Array([0, 1, 250, 255]) },
        map: new Map([["a", 1]]),
        set: new Set(["x"]),
        when: new Date(0),
        gap: { a: undefined, b: 1 },
        large: { text: LONG },
        todos: Array.from({ length: 20 }, (_, n) => ({ title: `todo number ${n} of many`, done: false })),
        numbers: Array.from({ length: 300 }, (_, n) => n / 3),
        pair: ["nul \u0000, lone \ud800", { nested: [new Uint8Array([7]), { $list: 0 }, { lc: 5 }] }],
        error: new Error("kept"),
      }))
      // Changed in place, as careless nodes do.
      .addNode("tick", ({ todos }) => {
        (todos[3] as { done: boolean }).done = true;
        todos.push({ title: "one more of the many todos", done: false });
        return { todos, large: { text: `${LONG}!` } };
      })
      .addEdge(START, "fill")
      .addEdge("fill", "tick")
      .compile({ checkpointer })
  );
}

function delta(checkpointer: BaseCheckpointSaver): AnyGraph {
  const channel = new DeltaChannel(messagesDeltaReducer, { snapshotFrequency: 3 });
  const State = Annotation.Root({ messages: channel } as never) as unknown as typeof MessagesAnnotation;
  return new StateGraph(State)
    .addNode("one", ({ messages }) => ({ messages: [answer(`1-${messages.length}`, LONG)] }))
    .addNode("two", ({ messages }) => ({ messages: [answer(`2-${messages.length}`, "short")] }))
    .addNode("join", ({ messages }) => ({ messages: [answer(`j-${messages.length}`, "joined")] }))
    .addEdge(START, "one")
    .addEdge(START, "two")
    .addEdge(["one", "two"], "join")
    .compile({ checkpointer });
}

function editing(checkpointer: BaseCheckpointSaver): AnyGraph {
  const State = Annotation.Root({
    messages: Annotation<BaseMessage[]>({ reducer: messagesStateReducer, default: () => [] }),
    turn: Annotation<number>(),
  });
  return new StateGraph(State)
    .addNode("reply", ({ messages, turn }) => ({ messages: [answer(`m${turn}`, `${LONG} ${messages.length}`)] }))
    .addNode("edit", ({ messages, turn }) => {
      const changes: BaseMessage[] = [];
      if (turn % 3 === 1) changes.push(new RemoveMessage({ id: (messages[0] as BaseMessage).id as string }));
      if (turn % 3 === 2) changes.push(say((messages[1] as BaseMessage).id as string, `edited in turn ${turn}`));
      const last = messages.at(-1) as BaseMessage;
      last.additional_kwargs.seen = turn;
      return { messages: changes };
    })
    .addEdge(START, "reply")
    .addEdge("reply", "edit")
    .compile({ checkpointer });
}

async function turns(graph: AnyGraph, config: RunnableConfig, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++)
    await graph.invoke({ messages: [say(`h${turn}`, `question ${turn}`)], turn }, config);
}

/** The newest-first checkpoint configurations of a thread. */
async function history(graph: AnyGraph, config: RunnableConfig): Promise<RunnableConfig[]> {
  const configs: RunnableConfig[] = [];
  for await (const state of graph.getStateHistory({ configurable: config.configurable })) configs.push(state.config);
  return configs;
}

/** Everything LangGraph does with a checkpointer. */
export const SCENARIOS: readonly Scenario[] = [
  { name: "conversation", build: chat, run: (graph, config) => turns(graph, config, 4) },
  {
    name: "tool loop with parallel sends",
    build: toolLoop,
    run: async (graph, config) => {
      await graph.invoke({ messages: [say("h0", "go")], left: 2 }, config);
      await graph.invoke({ messages: [say("h1", LONG)], left: 1 }, config);
    },
  },
  {
    name: "interrupts answered one by one",
    build: approval,
    run: async (graph, config) => {
      await graph.invoke({ messages: [say("h", LONG)] }, config);
      await graph.invoke(new Command({ resume: "yes" }), config);
      await graph.invoke(new Command({ resume: "no" }), config);
    },
  },
  {
    name: "pending interrupt",
    build: approval,
    run: async (graph, config) => {
      await graph.invoke({ messages: [say("h", LONG)] }, config);
      await graph.invoke(new Command({ resume: "yes" }), config);
    },
  },
  {
    name: "subgraph with interrupt",
    build: withSubgraph,
    run: async (graph, config) => {
      await graph.invoke({ messages: [say("h", LONG)] }, config);
      await graph.invoke(new Command({ resume: "inside!" }), config);
      await graph.invoke({ messages: [say("h2", "again")] }, config);
    },
  },
  {
    name: "time travel and forks",
    build: chat,
    run: async (graph, config) => {
      await turns(graph, config, 2);
      const past = await history(graph, config);
      const back = {
        ...config,
        configurable: { ...config.configurable, ...past[Math.min(4, past.length - 1)]?.configurable },
      };
      await graph.invoke(null, back);
      await graph.updateState(past.at(-2), { messages: [say("forked", `forked ${LONG}`)] }, "think");
      await graph.invoke(null, config);
      await graph.updateState({ configurable: config.configurable }, { messages: [new RemoveMessage({ id: "h0" })] });
      await graph.invoke({ messages: [say("last", "after the fork")] }, config);
    },
  },
  {
    name: "edited and removed messages",
    isSyncOnly: true,
    build: editing,
    run: (graph, config) => turns(graph, config, 7),
  },
  {
    name: "values that are not JSON",
    isSyncOnly: true,
    build: odd,
    run: (graph, config) => graph.invoke({ numbers: [1] }, config),
  },
  { name: "delta channel", build: delta, run: (graph, config) => turns(graph, config, 5) },
  {
    name: "failing node, then a retry",
    build: (checkpointer) => {
      let hasFailed = false;
      return new StateGraph(MessagesAnnotation)
        .addNode("good", () => ({ messages: [answer("good", LONG)] }))
        .addNode("bad", () => {
          if (!hasFailed) {
            hasFailed = true;
            throw new Error("once");
          }
          return { messages: [answer("bad", "at last")] };
        })
        .addEdge(START, "good")
        .addEdge(START, "bad")
        .compile({ checkpointer });
    },
    run: async (graph, config) => {
      await graph.invoke({ messages: [say("h", LONG)] }, config).catch(() => {});
      await graph.invoke(null, config);
    },
  },
];
