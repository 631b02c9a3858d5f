// Gives every request an id, the caller's own where it is sane, and sends it back.
import { randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "../http-services.ts";

export const REQUEST_ID_HEADER = "x-request-id";

/** Printable, without spaces, short: safe in a header and in a log line. */
const SANE_ID = /^[\w.:+/=-]{1,128}$/;

export const requestId: MiddlewareHandler<HttpEnv> = async (context, next) => {
  const given = context.req.header(REQUEST_ID_HEADER);
  const id = given !== undefined && SANE_ID.test(given) ? given : randomUUID();
  context.set("requestId", id);
  context.header(REQUEST_ID_HEADER, id);
  await next();
};
