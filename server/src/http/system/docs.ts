// GET /docs: the API reference page, served from this machine alone.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { z } from "@hono/zod-openapi";
import { NotFoundError } from "../../domain/errors.ts";
import { defineOperation } from "../operation.ts";

/** The page's parts: files of Swagger UI's, and the few lines that start it. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

/** `validatorUrl: null` keeps the page from asking an outside service about the document. */
const START_SCRIPT = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
});
`;

const FILE_TYPES: Record<string, string> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
};

/** Only the folder is looked up; the package's own entry points are never loaded. */
const require = createRequire(import.meta.url);
const swaggerFolder = dirname(require.resolve("swagger-ui-dist/package.json"));

export const getDocs = defineOperation({
  method: "get",
  path: "/docs",
  tag: "System",
  summary: "Show the API reference",
  answers: { 200: { description: "A page" } },
  isOpen: true,
  isHidden: true,
  handle: ({ context }) => context.html(PAGE),
});

export const getDocsFile = defineOperation({
  method: "get",
  path: "/docs/{file}",
  tag: "System",
  summary: "Serve a part of the API reference",
  params: z.object({ file: z.string() }),
  answers: { 200: { description: "The file" } },
  isOpen: true,
  isHidden: true,
  async handle({ params, context }) {
    if (params.file === "start.js") return context.body(START_SCRIPT, 200, { "content-type": "text/javascript" });
    const contentType = Object.hasOwn(FILE_TYPES, params.file) ? FILE_TYPES[params.file] : undefined;
    if (contentType === undefined) throw new NotFoundError("Not Found");
    const content = await readFile(join(swaggerFolder, params.file));
    return context.body(new Uint8Array(content), 200, {
      "content-type": contentType,
      "cache-control": "public, max-age=3600",
    });
  },
});
