// POST /threads/{thread_id}/commands
import { defineOperation, failures } from "../../operation.ts";
import { jsonObjectSchema } from "../../wire.ts";
import { answerCommand, commandEnvelopeSchema } from "../protocol/command.ts";
import { threadPathSchema } from "./thread-wire.ts";

export const sendThreadCommand = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/commands",
  tag: "Threads",
  summary: "Send a command of the event protocol",
  description:
    "`run.start` creates the thread where it does not exist; `input.respond` answers interrupts; `input.inject` puts a message into a " +
    "state at rest; `state.fork` runs from an earlier checkpoint; `state.get`, `state.listCheckpoints` and `agent.getTree` read. A command that is refused is answered 200 with `type: error`.",
  params: threadPathSchema,
  body: commandEnvelopeSchema,
  misfitStatus: 400,
  bodyExample: { id: 1, method: "run.start", params: { assistant_id: "agent", input: { messages: [] } } },
  answers: {
    200: {
      description: "The result, or why there is none",
      schema: jsonObjectSchema,
      example: { type: "success", id: 1, result: { run_id: "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21" } },
    },
    ...failures(400),
  },
  async handle(call) {
    return call.context.json(await answerCommand(call, call.params.thread_id, call.body));
  },
});
