// `message/stream`: a run as A2A events, the agent's words as they come.
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Run } from "../../domain/run.ts";
import type { StreamEvent } from "../../domain/stream-event.ts";
import { toRunError } from "../error-response.ts";
import type { Caller } from "../operation.ts";
import { SseConnection } from "../sse/sse-connection.ts";
import { agentMessage, artifactOf, readResult, type TaskState, textOf } from "./a2a-task.ts";

/** Streams the run until its end; every item is a JSON-RPC answer to the request `id`. */
export function streamTask(call: Caller, run: Run, id: string | number | null): Response {
  const connection = new SseConnection(call, {});
  const ids = { taskId: run.runId, contextId: run.threadId };
  const send = (result: object) => connection.sendData({ jsonrpc: "2.0", id, result: { ...result, ...ids } });
  const sendStatus = (state: TaskState, isFinal: boolean, error?: string) => {
    const message = error === undefined ? {} : { message: agentMessage(run, error) };
    send({ kind: "status-update", status: { state, timestamp: new Date().toISOString(), ...message }, final: isFinal });
  };
  let hasText = false;
  const sendText = (text: string) => {
    const artifact = artifactOf(run, [{ kind: "text", text }], "Assistant Response");
    send({ kind: "artifact-update", artifact, append: hasText, lastChunk: false });
    hasText = true;
  };
  sendStatus("working", false);
  const stop = call.services.engine.followRun(run.runId, -1, {
    events: (batch) => {
      for (const event of batch) {
        const text = streamedText(event);
        if (text !== "") sendText(text);
      }
    },
    ended: () => {
      call.services.engine.awaitRun(run.runId, new AbortController().signal).then(
        (json) => {
          const { state, artifact, error } = readResult(run, json);
          if (artifact !== undefined) send({ kind: "artifact-update", artifact, append: false, lastChunk: true });
          sendStatus(state, true, error);
          connection.end();
        },
        (error: unknown) => fail(error),
      );
    },
    failed: fail,
  });
  connection.onClose(stop);
  return RESPONSE_ALREADY_SENT;

  function fail(error: unknown): void {
    sendStatus("failed", true, toRunError(error, call.context, call.services.report).message);
    connection.end();
  }
}

/** The words in an event of mode `messages-tuple`, if the agent speaks in it. */
function streamedText({ event, data }: StreamEvent): string {
  if (event !== "messages") return "";
  const [message] = JSON.parse(data) as [{ type?: string; content?: unknown }];
  return message.type === "ai" ? textOf(message.content) : "";
}
