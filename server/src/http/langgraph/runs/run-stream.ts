// Answers with a run's event stream: from where, which events, and what happens when the client goes.
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Run } from "../../../domain/run.ts";
import type { StreamEvent } from "../../../domain/stream-event.ts";
import type { RunListener } from "../../../runs/run-engine.ts";
import { toRunError } from "../../error-response.ts";
import type { Caller } from "../../operation.ts";
import { SseConnection } from "../../sse/sse-connection.ts";
import { cancelAbandonedRun } from "./create-run.ts";

export interface RunStreamOptions {
  /** The run's path relative to the API root; clients read ids from it and reconnect to `<path>/stream`. */
  path: string;
  /** Send only what comes after this number; -1 for all. */
  afterSeq: number;
  /** Which events to send. @default all */
  isSelected?: ((event: StreamEvent) => boolean) | undefined;
  /** Cancel the run when this client goes away. */
  cancelOnDisconnect: boolean;
}

/** Streams the run until its end. The answer is on its way when this returns. */
export function streamRun(caller: Caller, run: Run, options: RunStreamOptions): Response {
  const connection = new SseConnection(caller, streamHeaders(options.path));
  let hasEnded = false;
  const { isSelected } = options;
  const listener: RunListener = {
    events: (batch) => connection.sendEvents(isSelected ? batch.filter(isSelected) : batch),
    ended: () => {
      hasEnded = true;
      connection.end();
    },
    failed: (error) => {
      // A clean end would tell the client that this was all; dropping the connection makes it come back for the rest.
      hasEnded = true;
      toRunError(error, caller.context, caller.services.report);
      connection.abort();
    },
  };
  const stop = caller.services.engine.followRun(run.runId, options.afterSeq, listener);
  connection.onClose(stop);
  if (options.cancelOnDisconnect) {
    connection.onDisconnect(() => {
      if (!hasEnded) cancelAbandonedRun(caller, run);
    });
  }
  return RESPONSE_ALREADY_SENT;
}

/** A stream that has nothing to say: the run has ended, and nobody asked for what was. */
export function streamNothing(caller: Caller, path: string): Response {
  new SseConnection(caller, streamHeaders(path)).end();
  return RESPONSE_ALREADY_SENT;
}

/**
 * A stream that only says why there is none. Clients expect this instead of a status, and who may not see a run cannot tell
 * it from one that does not exist.
 */
export function streamRefusal(caller: Caller, message: string): Response {
  const connection = new SseConnection(caller, {});
  connection.sendUnnumbered("error", { error: "Error", message });
  connection.end();
  return RESPONSE_ALREADY_SENT;
}

function streamHeaders(path: string): Record<string, string> {
  return { "content-location": path, location: `${path}/stream` };
}
