// Which events of a run a joining client asked for.
import { eventMode, type StreamEvent } from "../../../domain/stream-event.ts";

export interface StreamSelection {
  /** Stream modes; all where absent. */
  modes?: string[] | undefined;
  /** Checkpoint namespaces, with or without task ids; all where absent. `""` is the root graph. */
  namespaces?: string[] | undefined;
}

/** Events that belong to the run as a whole and reach everybody. */
const RUN_EVENTS = new Set(["metadata", "error", "feedback", "budget"]);

/** The predicate for a selection; `undefined` when everything passes. */
export function selectEvents(selection: StreamSelection): ((event: StreamEvent) => boolean) | undefined {
  const modes = selection.modes?.length ? new Set(selection.modes) : undefined;
  const namespaces = selection.namespaces?.length ? new Set(selection.namespaces) : undefined;
  if (modes === undefined && namespaces === undefined) return undefined;
  return ({ event }) => {
    const name = eventMode(event);
    if (RUN_EVENTS.has(name)) return true;
    if (modes !== undefined && !hasMode(modes, name)) return false;
    return namespaces === undefined || hasNamespace(namespaces, event, name);
  };
}

/** `messages-tuple` sends events named `messages`; mode `messages` sends `messages/partial` and the like. */
function hasMode(modes: Set<string>, name: string): boolean {
  if (name === "messages") return modes.has("messages-tuple") || modes.has("messages");
  return modes.has(name.startsWith("messages/") ? "messages" : name);
}

function hasNamespace(namespaces: Set<string>, event: string, name: string): boolean {
  // These carry their namespace inside, if at all.
  if (name.startsWith("messages/") || name === "events") return true;
  const namespace = event.slice(name.length + 1);
  return namespaces.has(namespace) || namespaces.has(withoutTaskIds(namespace));
}

function withoutTaskIds(namespace: string): string {
  return namespace
    .split("|")
    .map((segment) => segment.split(":")[0])
    .join("|");
}
