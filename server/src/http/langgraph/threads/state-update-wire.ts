// Changes to a thread's state on the wire: single updates and supersteps of them.
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../domain/json.ts";
import type { StateUpdate } from "../../../domain/thread-state.ts";
import { commandSchema, toCommand } from "../runs/run-create-body.ts";

/** Supersteps one request may bring, and updates in each. */
const SUPERSTEPS_MAX = 1_000;
const UPDATES_MAX = 100;

export const superstepsSchema = z
  .array(
    z.object({
      updates: z
        .array(
          z.object({ values: z.unknown().optional(), command: commandSchema.nullish(), as_node: z.string().min(1) }),
        )
        .min(1)
        .max(UPDATES_MAX),
    }),
  )
  .max(SUPERSTEPS_MAX);

export function toSupersteps(
  supersteps: z.output<typeof superstepsSchema> | null | undefined,
): { updates: StateUpdate[] }[] {
  return (supersteps ?? []).map(({ updates }) => ({
    updates: updates.map(({ values, command, as_node }) =>
      omitUndefined({ values, command: toCommand(command), asNode: as_node }),
    ),
  }));
}
