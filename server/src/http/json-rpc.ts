// What the JSON-RPC doors (MCP, A2A) share: the envelope, the codes, and errors that are told inside an answer.
import { z } from "@hono/zod-openapi";

/** A failure that the JSON-RPC answer tells; the HTTP status stays 200. */
export class RpcError extends Error {
  readonly rpcCode: number;

  constructor(rpcCode: number, message: string) {
    super(message);
    this.rpcCode = rpcCode;
  }
}

export const RPC_CODES = {
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  taskNotFound: -32_001,
  unsupported: -32_004,
} as const;

/** A request, or without `id` a notification. */
export const envelopeSchema = z.object({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string(),
  params: z.unknown().optional(),
});
export type Envelope = z.output<typeof envelopeSchema>;

/** Parses parameters. @throws RpcError naming what is wrong */
export function parseParams<Schema extends z.ZodType>(schema: Schema, params: unknown): z.output<Schema> {
  const result = schema.safeParse(params ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${["params", ...path].join(".")}: ${message}`);
  throw new RpcError(RPC_CODES.invalidParams, problems.join("; "));
}
