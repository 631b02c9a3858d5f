// Reads the params of a command.
import type { z } from "@hono/zod-openapi";
import type { JsonObject } from "../../../domain/json.ts";
import { describeProblems } from "../../request-problems.ts";
import { CommandRefusal } from "./protocol-error.ts";

/** @throws CommandRefusal `invalid_argument` */
export function parseParams<Schema extends z.ZodType>(schema: Schema, params: JsonObject): z.output<Schema> {
  const parsed = schema.safeParse(params);
  if (parsed.success) return parsed.data;
  throw new CommandRefusal("invalid_argument", describeProblems("params", parsed.error).message);
}
