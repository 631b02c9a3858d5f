// Where a client wants to go on in a stream.
import { z } from "@hono/zod-openapi";
import { InvalidRequestError } from "../../../domain/errors.ts";
import type { HttpContext } from "../../http-services.ts";

/** For the document; the header itself is read by `readLastEventId`. */
export const lastEventIdHeader = z.object({
  "Last-Event-ID": z
    .string()
    .optional()
    .openapi({ description: "`-1` or `-` for all events, otherwise the number after which to go on.", example: "-1" }),
});

/** The number after which to go on, -1 for the start; `undefined` without the header. @throws InvalidRequestError */
export function readLastEventId(context: HttpContext): number | undefined {
  const text = context.req.header("last-event-id")?.trim();
  if (text === undefined || text === "") return undefined;
  if (text === "-" || text === "-1") return -1;
  const seq = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(seq)) {
    throw new InvalidRequestError("header.last-event-id: must be -1, - or the id of an event of this stream");
  }
  return seq;
}
