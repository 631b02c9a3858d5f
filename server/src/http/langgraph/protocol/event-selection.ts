// Which events of a thread's tape a subscription gets: channels, namespaces, depth, and from where on.
import { z } from "@hono/zod-openapi";
import type { TapeEvent } from "../../../domain/thread-tape.ts";
import { describeProblems } from "../../request-problems.ts";
import { CommandRefusal } from "./protocol-error.ts";

const CHANNELS = [
  "values",
  "updates",
  "messages",
  "tools",
  "lifecycle",
  "input",
  "checkpoints",
  "tasks",
  "custom",
] as const;
const CUSTOM_PREFIX = "custom:";
const CHANNELS_MAX = 100;
const NAMESPACES_MAX = 1_000;

export const selectionSchema = z
  .object({
    channels: z
      .array(z.union([z.enum(CHANNELS), z.string().startsWith(CUSTOM_PREFIX)]))
      .min(1)
      .max(CHANNELS_MAX)
      .openapi({ description: "`custom` is every custom event, `custom:<name>` those of one name." }),
    namespaces: z.array(z.array(z.string())).max(NAMESPACES_MAX).nullish().openapi({
      description: "Graphs to hear of, each with what is below it; task ids may be left out. `[]` is the root.",
    }),
    depth: z.int().min(0).nullish().openapi({ description: "How far below the namespaces; without it everything is." }),
    since: z.int().min(0).nullish().openapi({ description: "Only events with a larger `seq`." }),
  })
  .openapi("EventSelection", {
    example: { channels: ["values", "messages", "lifecycle"], namespaces: [[]], depth: 1 },
  });

export type EventSelection = z.output<typeof selectionSchema>;

/** @throws CommandRefusal `invalid_argument` */
export function parseSelection(raw: unknown): EventSelection {
  const parsed = selectionSchema.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  throw new CommandRefusal("invalid_argument", describeProblems("params", parsed.error).message);
}

/** The predicate for a selection; `since` is the follower's own matter. */
export function selectTapeEvents(selection: EventSelection): (event: TapeEvent) => boolean {
  const channels = new Set<string>(selection.channels);
  const { namespaces, depth } = selection;
  return (event) => {
    if (!channels.has(event.channel) && !(event.channel.startsWith(CUSTOM_PREFIX) && channels.has("custom")))
      return false;
    if (!namespaces || namespaces.length === 0) return true;
    return namespaces.some((prefix) => isBelow(event.namespace, prefix, depth ?? Number.POSITIVE_INFINITY));
  };
}

function isBelow(namespace: string[], prefix: string[], depth: number): boolean {
  if (namespace.length < prefix.length || namespace.length - prefix.length > depth) return false;
  return prefix.every((segment, index) => {
    const candidate = namespace[index]!;
    return candidate === segment || (!segment.includes(":") && candidate.split(":")[0] === segment);
  });
}
