// GET /
import { defineOperation } from "../operation.ts";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast</title>
<style>
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 12vh auto; padding: 0 1.5rem; color: #1d2733; background: #fbfcfd; }
  h1 { font-size: 1.75rem; margin-bottom: 0.25rem; }
  a { color: #0b5cad; }
  li { margin: 0.35rem 0; }
  code { background: #eef1f4; padding: 0.1rem 0.35rem; border-radius: 0.25rem; }
  @media (prefers-color-scheme: dark) {
    body { color: #dfe6ee; background: #12171d; } a { color: #7db8ff; } code { background: #1f2730; }
  }
</style>
</head>
<body>
<h1>Holdfast</h1>
<p>A server for LangGraph.js agents. It is running.</p>
<ul>
  <li><a href="docs">API reference</a></li>
  <li><a href="openapi.json">OpenAPI document</a></li>
  <li><a href="ok">Health</a>, <a href="info">versions and features</a>, <a href="metrics">metrics</a></li>
</ul>
<p>Clients: <code>new Client({ apiUrl: location.origin })</code> from <code>@langchain/langgraph-sdk</code>.</p>
</body>
</html>
`;

export const getHome = defineOperation({
  method: "get",
  path: "/",
  tag: "System",
  summary: "Show where everything is",
  answers: { 200: { description: "A page" } },
  isOpen: true,
  isHidden: true,
  handle: ({ context }) => context.html(PAGE),
});
