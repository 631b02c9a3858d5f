// The OpenAPI document, made from the operations' own schemas, and the file of it that is committed.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { OpenAPIHono } from "@hono/zod-openapi";
import { toRouteConfig } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";

/** Where the committed document lies: `server/openapi.json`, seen from the sources and from the build alike. */
const COMMITTED_FILE = fileURLToPath(new URL("../../openapi.json", import.meta.url));

export type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

const DESCRIPTION =
  'The LangGraph Server API: assistants, threads, runs, crons, store. Every failure answers with `{"detail": "..."}` and its stable code ' +
  "in the header `x-error-code`; every answer carries `x-request-id`.";

/** The document; needs no running server. */
export function buildOpenApi(): OpenApiDocument {
  const registrar = new OpenAPIHono();
  for (const operation of OPERATIONS) {
    if (!operation.isHidden) registrar.openAPIRegistry.registerPath(toRouteConfig(operation));
  }
  return registrar.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version: readVersion(),
      description: DESCRIPTION,
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    tags: [
      { name: "Assistants", description: "Named, versioned configurations of graphs." },
      { name: "Threads", description: "Durable conversations or cases, and their states." },
      { name: "Thread runs", description: "Executions of an assistant on a thread." },
      { name: "Stateless runs", description: "Executions with a thread of their own that goes when they end." },
      { name: "Crons", description: "Schedules whose ticks start runs." },
      { name: "Store", description: "Long-term memory, shared by all threads and by the graphs." },
      { name: "Protocols", description: "Assistants for clients that speak other protocols." },
      { name: "System", description: "Health, versions, metrics." },
    ],
  });
}

/**
 * Writes `server/openapi.json`; with `check` only compares.
 * @returns whether the file was in step already
 */
export function writeOpenApi(options: { check: boolean }): boolean {
  const text = `${JSON.stringify(buildOpenApi(), null, 2)}\n`;
  const isInStep = readCommitted() === text;
  if (!isInStep && !options.check) writeFileSync(COMMITTED_FILE, text);
  return isInStep;
}

function readCommitted(): string | undefined {
  try {
    return readFileSync(COMMITTED_FILE, "utf8");
  } catch {
    return undefined;
  }
}

function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
