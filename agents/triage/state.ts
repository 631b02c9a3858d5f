// The triage graph's state and settings.
import { MessagesValue, StateSchema } from "@langchain/langgraph";
import { z } from "zod";

/** One support request, from its routing to its answer. All but the messages start afresh with each request. */
export const triageState = new StateSchema({
  messages: MessagesValue,
  kind: z.enum(["billing", "technical", "general"]).default("general"),
  reference: z.string().default(""),
  draft: z.string().default(""),
  problems: z.array(z.string()).default(() => []),
  correctionsCount: z.number().int().default(0),
});

/** Settings of one run. */
export const triageContext = z.object({
  /** How often a refused draft may be corrected before a person takes over. */
  correctionsMax: z.number().int().min(0).max(5).default(2),
});
