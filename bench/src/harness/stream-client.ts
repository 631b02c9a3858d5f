// A client that follows a run's stream over plain HTTP and comes back with Last-Event-ID whenever the connection breaks.
import { setTimeout as sleep } from "node:timers/promises";
import type { ClientLog } from "./check-input.ts";

const RECONNECT_PAUSE_MS = 100;
/** A server says something at least every few seconds; a connection that is silent this long is given up. */
const SILENCE_MAX_MS = 20_000;

/** Told of each event as it arrives. */
export type OnEvent = (event: { id: string; event: string; data: string }) => void;

/**
 * Follows until the run has ended; gives up at `deadlineMs` (epoch). The returned log grows while it follows.
 * @param breakOff called for each connection: a signal that cuts it
 */
export async function followStream(
  baseUrl: string | (() => string),
  run: { threadId: string; runId: string },
  deadlineMs: number,
  onEvent?: OnEvent,
  breakOff?: () => AbortSignal,
): Promise<ClientLog> {
  const log: ClientLog = { runId: run.runId, events: [], isEnded: false };
  const urlOf = typeof baseUrl === "string" ? () => baseUrl : baseUrl;
  while (Date.now() < deadlineMs && !log.isEnded) {
    const lastId = log.events.at(-1)?.id ?? "-1";
    const silence = new AbortController();
    const watchdog = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
    try {
      const response = await fetch(`${urlOf()}/threads/${run.threadId}/runs/${run.runId}/stream`, {
        headers: { "last-event-id": lastId },
        signal: AbortSignal.any([
          AbortSignal.timeout(Math.max(1, deadlineMs - Date.now())),
          silence.signal,
          ...(breakOff === undefined ? [] : [breakOff()]),
        ]),
      });
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
      await readEvents(response.body, log, () => watchdog.refresh(), onEvent);
      log.isEnded = await hasEnded(urlOf(), run);
    } catch {
      await sleep(RECONNECT_PAUSE_MS);
    } finally {
      clearTimeout(watchdog);
    }
  }
  return log;
}

async function hasEnded(baseUrl: string, run: { threadId: string; runId: string }): Promise<boolean> {
  const response = await fetch(`${baseUrl}/threads/${run.threadId}/runs/${run.runId}`);
  const { status } = (await response.json()) as { status: string };
  return status !== "pending" && status !== "running";
}

async function readEvents(
  body: ReadableStream<Uint8Array>,
  log: ClientLog,
  onBytes: () => void,
  onEvent?: OnEvent,
): Promise<void> {
  const decoder = new TextDecoder();
  let buffer = "";
  for await (const chunk of body) {
    onBytes();
    buffer += decoder.decode(chunk, { stream: true });
    for (let end = buffer.indexOf("\n\n"); end !== -1; end = buffer.indexOf("\n\n")) {
      const frame = parseFrame(buffer.slice(0, end));
      buffer = buffer.slice(end + 2);
      if (frame === undefined) continue;
      log.events.push({ id: frame.id, event: frame.event });
      onEvent?.(frame);
    }
  }
}

function parseFrame(text: string): { id: string; event: string; data: string } | undefined {
  const fields: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
  }
  if (fields.event === undefined) return undefined;
  return { id: fields.id ?? "", event: fields.event, data: fields.data ?? "" };
}
