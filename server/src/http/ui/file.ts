// GET /ui/{agent}/{file}
import { extname } from "node:path";
import { z } from "@hono/zod-openapi";
import { NotFoundError } from "../../domain/errors.ts";
import { defineOperation, failures } from "../operation.ts";

const CONTENT_TYPES: Record<string, string> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

export const getUserInterfaceFile = defineOperation({
  method: "get",
  path: "/ui/{agent}/{file}",
  tag: "System",
  summary: "Get a part of an agent's components",
  params: z.object({ agent: z.string(), file: z.string() }),
  answers: { 200: { description: "The file" }, ...failures(404) },
  // Pages load scripts and styles without credentials.
  isOpen: true,
  isAvailable: (services) => services.userInterfaces !== undefined,
  async handle({ params, services, context }) {
    const files = await services.userInterfaces!.findFiles(params.agent);
    const file = files?.find(({ name }) => name === params.file);
    if (file === undefined) throw new NotFoundError("Not Found");
    return context.body(new Uint8Array(file.content), 200, {
      "content-type": CONTENT_TYPES[extname(file.name)] ?? "application/octet-stream",
      "x-content-type-options": "nosniff",
    });
  },
});
