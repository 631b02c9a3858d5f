// Answers with a run's result once it is there, keeping the connection alive meanwhile.
import type { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Run } from "../../../domain/run.ts";
import { toRunError } from "../../error-response.ts";
import type { Caller } from "../../operation.ts";
import { takeResponse } from "../../sse/sse-connection.ts";
import { cancelAbandonedRun } from "./create-run.ts";

/** A run that ends sooner is answered in one write, headers and all. */
const HEADERS_DELAY_MS = 25;

export interface RunWaitOptions {
  headers: Record<string, string>;
  /** Cancel the run when this client goes away. */
  cancelOnDisconnect: boolean;
}

/**
 * Answers 200 with the final values; with `{"__error__": {...}}` for a run that failed, and also when waiting itself fails:
 * a 5xx would make older clients send the run a second time.
 */
export function waitForRun(caller: Caller, run: Run, options: RunWaitOptions): Response {
  const outgoing = takeResponse(caller.context, { "content-type": "application/json", ...options.headers });
  const gone = new AbortController();
  const stopKeepAlive = keepAlive(caller, outgoing);
  const onGone = () => {
    stopKeepAlive();
    if (outgoing.writableEnded) return;
    gone.abort();
    if (options.cancelOnDisconnect) cancelAbandonedRun(caller, run);
  };
  if (outgoing.destroyed) onGone();
  else outgoing.once("close", onGone);
  void finishWait(caller, run, outgoing, gone.signal).finally(stopKeepAlive);
  return RESPONSE_ALREADY_SENT;
}

async function finishWait(
  { context, services }: Caller,
  run: Run,
  outgoing: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  let text: string;
  try {
    text = await services.engine.awaitRun(run.runId, signal);
  } catch (error) {
    if (signal.aborted) return;
    text = JSON.stringify({ __error__: toRunError(error, context, services.report) });
  }
  outgoing.end(text);
}

/** Sends the headers soon and then a newline each second, which JSON allows before the value. Returns what stops it. */
function keepAlive({ pulses }: Caller, outgoing: ServerResponse): () => void {
  let leavePulse: (() => void) | undefined;
  const timer = setTimeout(() => {
    outgoing.flushHeaders();
    leavePulse = pulses.keepAlive.join(() => {
      // A client that reads nothing gets nothing more; one newline waiting is enough.
      if (outgoing.writableLength === 0) outgoing.write("\n");
    });
  }, HEADERS_DELAY_MS);
  return () => {
    clearTimeout(timer);
    leavePulse?.();
  };
}
