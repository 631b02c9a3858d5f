// The files of a new project: one graph that runs without any key or network.

/** What the new project is made for. */
export interface TemplateValues {
  /** Name for its package.json. */
  readonly name: string;
  readonly holdfastVersion: string;
  readonly langgraphVersion: string;
}

/** Path to content, relative to the project's folder. */
export function makeProjectFiles(values: TemplateValues): Readonly<Record<string, string>> {
  return {
    "package.json": `${JSON.stringify(makePackage(values), null, 2)}\n`,
    "langgraph.json": `${JSON.stringify(PROJECT_FILE, null, 2)}\n`,
    "tsconfig.json": `${JSON.stringify(TSCONFIG, null, 2)}\n`,
    "src/agent.ts": AGENT,
    ".env.example": ENV_EXAMPLE,
    ".gitignore": "node_modules/\n.holdfast/\n.env\n",
    "README.md": makeReadme(values),
  };
}

function makePackage({ name, holdfastVersion, langgraphVersion }: TemplateValues): object {
  return {
    name,
    private: true,
    type: "module",
    engines: { node: ">=20.19" },
    scripts: { dev: "holdfast dev", start: "holdfast start" },
    dependencies: { "@holdfast/server": holdfastVersion, "@langchain/langgraph": langgraphVersion },
  };
}

const PROJECT_FILE = {
  node_version: "20",
  dependencies: ["."],
  graphs: { agent: "./src/agent.ts:graph" },
};

const TSCONFIG = {
  compilerOptions: {
    target: "ES2023",
    module: "NodeNext",
    moduleResolution: "NodeNext",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
  },
  include: ["src"],
};

const AGENT = `// A graph that answers without a model: it counts the words it was sent. Replace the node with your own work.
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

function answer(state: typeof MessagesAnnotation.State): typeof MessagesAnnotation.Update {
  const question = state.messages.at(-1)?.text ?? "";
  const words = question.split(/\\s+/).filter((word) => word !== "");
  const text = \`You wrote \${words.length} \${words.length === 1 ? "word" : "words"}: \${words.join(", ")}.\`;
  return { messages: [{ role: "assistant", content: text }] };
}

export const graph = new StateGraph(MessagesAnnotation)
  .addNode("answer", answer)
  .addEdge(START, "answer")
  .addEdge("answer", END);
`;

const ENV_EXAMPLE = `# Copy to .env. Every variable is optional.

# PostgreSQL 14 or newer instead of the embedded one in .holdfast/
# DATABASE_URL=postgresql://user:password@localhost:5432/name

# PORT=8123
# LOG_LEVEL=info
# OPENAI_API_KEY=
# ANTHROPIC_API_KEY=
`;

function makeReadme({ name }: TemplateValues): string {
  return `# ${name}

An agent server: one LangGraph.js graph (\`src/agent.ts\`), served by Holdfast.

\`\`\`sh
npm install
npm run dev
\`\`\`

Then, in another terminal:

\`\`\`sh
curl -s http://127.0.0.1:8123/runs/wait -H 'content-type: application/json' \\
  -d '{"assistant_id":"agent","input":{"messages":[{"role":"user","content":"hello out there"}]}}'
\`\`\`

The API reference is at http://127.0.0.1:8123/docs. \`npm run dev\` starts anew when a file changes; \`npm start\` is for production.
\`npx holdfast doctor\` checks the set-up.
`;
}
