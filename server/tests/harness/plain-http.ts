// Plain requests, for what the clients hide: statuses, headers, raw bodies and broken requests.

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: an answer's content is what the tests are about
  json: any;
}

/** An id that belongs to nothing. */
export const UNKNOWN_ID = "0198c1f0-0000-7000-8000-000000000000";

/** Sends `body` as JSON, a string as it is. `json` is undefined where the answer is none. */
export async function send(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const hasBody = body !== undefined;
  const response = await fetch(url, {
    method,
    headers: hasBody ? { "content-type": "application/json", ...headers } : headers,
    body: hasBody ? (typeof body === "string" ? body : JSON.stringify(body)) : undefined,
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface Frame {
  id: string | undefined;
  event: string;
  data: string;
}

/** The events in the text of a stream; comments are left out. */
export function parseFrames(text: string): Frame[] {
  return text
    .split("\n\n")
    .map((frame) => frame.split("\n").filter((line) => line !== "" && !line.startsWith(":")))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      const fields = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)));
      return { id: fields.id, event: fields.event, data: fields.data };
    });
}
