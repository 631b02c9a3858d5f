// The first agent: a tool-calling assistant that knows the time anywhere, calculates exactly and keeps notes.
import {
  contextWindowMiddleware,
  createModel,
  historyRepairMiddleware,
  selectModel,
  toolGuardMiddleware,
} from "@holdfast/kit";
import { createAgent } from "langchain";
import { calculateTool } from "./calculator.ts";
import { getTimeTool } from "./clock.ts";
import { addNoteTool, listNotesTool, notesState } from "./notes.ts";

const systemPrompt = `You are a helpful assistant.
Use get_time for any question about the present date or time, calculate for any arithmetic, and add_note and list_notes for what the user wants to keep.
Answer briefly. If a tool reports a problem, say so; never invent a result.`;

const model = await createModel(selectModel().spec);

/** The assistant, with the model that the environment selects. */
export const graph = createAgent({
  model,
  tools: [getTimeTool, calculateTool, addNoteTool, listNotesTool],
  stateSchema: notesState,
  systemPrompt,
  middleware: [toolGuardMiddleware(), contextWindowMiddleware({ summaryModel: model }), historyRepairMiddleware()],
});
