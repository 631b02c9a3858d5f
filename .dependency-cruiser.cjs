// The allowed arrows between folders (see ARCHITECTURE.md), checked by machine; type imports count too.
const SERVER = "^server/src";

/** A wing may import only itself, what is listed, and the two folders below everything. */
function wing(name, ...allowed) {
  const folders = [name, "domain", "observability", ...allowed].join("|");
  return {
    name: `wing-${name}`,
    severity: "error",
    from: { path: `${SERVER}/${name}/`, pathNot: "\\.test\\.ts$|\\.fixture\\.ts$|/testing" },
    to: { path: `${SERVER}/`, pathNot: `${SERVER}/(${folders})/` },
  };
}

/** Third parties behind a wall: only these files may import them. */
function wall(name, packages, homes) {
  return {
    name: `wall-${name}`,
    severity: "error",
    from: { path: SERVER, pathNot: [...homes.map((home) => `${SERVER}/${home}`), "\\.test\\.ts$", "\\.fixture\\.ts$"] },
    to: { path: packages.map((each) => `node_modules/${each}`) },
  };
}

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "domain-imports-nothing-of-ours",
      severity: "error",
      from: { path: `${SERVER}/domain/` },
      to: { path: `${SERVER}/`, pathNot: `${SERVER}/domain/` },
    },
    {
      name: "observability-imports-nothing-of-ours",
      severity: "error",
      from: { path: `${SERVER}/observability/`, pathNot: "\\.test\\.ts$" },
      to: { path: `${SERVER}/`, pathNot: `${SERVER}/(observability|domain)/` },
    },
    {
      name: "wings-know-nothing-of-the-assembly",
      severity: "error",
      from: {
        path: `${SERVER}/(http|runs|graphs|postgres|event-bus|webhooks|usage|auth|config|domain|observability)/`,
      },
      to: { path: `${SERVER}/(assembly/|app\\.ts)` },
    },
    wing("http", "runs", "auth", "webhooks"),
    wing("runs"),
    wing("graphs"),
    wing("postgres"),
    wing("event-bus"),
    wing("webhooks"),
    wing("usage"),
    wing("auth"),
    wing("config"),
    wall("postgres-client", ["pg/"], ["postgres/", "event-bus/"]),
    wall("redis-client", ["@redis/"], ["event-bus/"]),
    wall("http-framework", ["hono/", "@hono/"], ["http/"]),
    wall("langchain", ["@langchain/"], ["graphs/", "postgres/checkpointer/", "postgres/store/"]),
    wall("logger-and-metrics", ["pino/", "prom-client/", "@opentelemetry/"], ["observability/"]),
    {
      name: "kit-knows-nothing-of-the-server",
      severity: "error",
      from: { path: "^(kit|agents|provider-stubs)/" },
      to: { path: "^(server|bench)/" },
    },
    {
      name: "agents-reach-only-what-kit-exports",
      severity: "error",
      from: { path: "^agents/" },
      to: { path: "^kit/(src|dist)/(?!index)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "default", "types"] },
  },
};
