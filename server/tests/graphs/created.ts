// What most people write: createAgent with the kit's offline model and a tool.
import { DemoChatModel } from "@holdfast/kit";
import { createAgent, tool } from "langchain";
import { z } from "zod";

const getTime = tool(() => "It is noon.", {
  name: "get_time",
  description: "Tells the time.",
  schema: z.object({}),
});

export const graph = createAgent({ model: new DemoChatModel({}), tools: [getTime] });
