// Notes that live in the thread's state: written by a tool through a state update, so they are checkpointed with the messages.
import { ToolMessage } from "@langchain/core/messages";
import { type ToolRuntime, tool } from "@langchain/core/tools";
import { Command, ReducedValue, StateSchema } from "@langchain/langgraph";
import { z } from "zod";

const noteLengthMax = 1_000;
const notesMax = 100;

const note = z.object({ id: z.string(), text: z.string() });

/** A note; its id is that of the tool call that wrote it. */
export type Note = z.infer<typeof note>;

/**
 * The thread's state beside its messages. Parallel tool calls may each add notes; the newest hundred are kept. Adding a note
 * twice changes nothing: createAgent's own `invoke` feeds the stored state back in as input when middleware is used.
 */
export const notesState = new StateSchema({
  notes: new ReducedValue(
    z.array(note).default(() => []),
    { inputSchema: z.array(note), reducer: mergeNotes },
  ),
});

function mergeNotes(kept: Note[], added: Note[]): Note[] {
  const byId = new Map([...kept, ...added].map((one) => [one.id, one]));
  return [...byId.values()].slice(-notesMax);
}

function notesOf(runtime: ToolRuntime): Note[] {
  return (runtime.state as { notes?: Note[] } | undefined)?.notes ?? [];
}

/** The tool `add_note`. */
export const addNoteTool = tool(
  ({ text }, runtime: ToolRuntime) => {
    const content = `Noted: ${text}`;
    const message = new ToolMessage({ content, tool_call_id: runtime.toolCallId, name: "add_note" });
    return new Command({ update: { notes: [{ id: runtime.toolCallId, text }], messages: [message] } });
  },
  {
    name: "add_note",
    description: "Keeps a note in this conversation.",
    schema: z.object({ text: z.string().min(1).max(noteLengthMax).describe("The note, in the user's words") }),
  },
);

/** The tool `list_notes`. */
export const listNotesTool = tool(
  (_input, runtime: ToolRuntime) => {
    const notes = notesOf(runtime);
    if (notes.length === 0) return "There are no notes yet.";
    return notes.map(({ text }, index) => `${index + 1}. ${text}`).join("\n");
  },
  { name: "list_notes", description: "Lists the notes kept in this conversation.", schema: z.object({}) },
);
