// POST /threads/{thread_id}/commands
import { defineOperation } from "../../operation.ts";
import { jsonObjectSchema } from "../../wire.ts";
import { answerCommand, commandEnvelopeSchema, presentRefusal } from "../protocol/command.ts";
import { CommandRefusal } from "../protocol/protocol-error.ts";
import { threadPathSchema } from "./thread-wire.ts";

/** Stands for a body that is no command; what is wrong is told in the protocol's shape, not as for other operations. */
const MALFORMED = { id: -1, method: "" };

export const sendThreadCommand = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/commands",
  tag: "Threads",
  summary: "Send a command of the event protocol",
  description:
    "`run.start` creates the thread where it does not exist; `input.respond` answers interrupts; `state.get` and `agent.getTree` " +
    "read. A command that is refused is answered 200 with `type: error`.",
  params: threadPathSchema,
  body: commandEnvelopeSchema.catch(MALFORMED),
  bodyExample: { id: 1, method: "run.start", params: { assistant_id: "agent", input: { messages: [] } } },
  answers: {
    200: {
      description: "The result, or why there is none",
      schema: jsonObjectSchema,
      example: { type: "success", id: 1, result: { run_id: "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21" } },
    },
    400: { description: "Not a command", schema: jsonObjectSchema },
  },
  async handle(call) {
    const { body, context, params } = call;
    if (body.id !== MALFORMED.id) return context.json(await answerCommand(call, params.thread_id, body));
    const problem = "A command needs an id (whole number), a method and, if any, params.";
    return context.json(presentRefusal(null, new CommandRefusal("invalid_argument", problem)), 400);
  },
});
