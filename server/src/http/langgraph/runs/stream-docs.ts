// How the OpenAPI document describes event streams and waits.
import { z } from "@hono/zod-openapi";
import type { AnswerDoc } from "../../operation.ts";
import { jsonObjectSchema } from "../../wire.ts";

export const namespaceQuery = z
  .array(z.string())
  .optional()
  .openapi({ description: "Only events of these checkpoint namespaces; an empty text is the root graph." });

export const SSE_ANSWER: AnswerDoc = {
  description:
    "Server-sent events: `metadata` first, then the stream modes asked for, `error` last where the run failed. The run's " +
    "path is in Content-Location, where to join again in Location. The stream ends when the run has ended.",
  contentType: "text/event-stream",
  schema: z.string(),
  example: 'id: 0\nevent: metadata\ndata: {"run_id":"0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21","attempt":1}\n\n',
};

export const WAIT_ANSWER: AnswerDoc = {
  description:
    "The final values, with `__interrupt__` where the run stopped at an interrupt, or `__error__` where it failed. " +
    "Newlines before it keep the connection alive.",
  schema: jsonObjectSchema,
  example: { messages: [{ type: "ai", content: "Hello!" }] },
};
