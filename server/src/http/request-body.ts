// Reads a request's JSON: never more than the limit, whatever the content type says, and only text the database can keep.
import {
  BadRequestError,
  HoldfastError,
  InvalidRequestError,
  MalformedJsonError,
  PayloadTooLargeError,
} from "../domain/errors.ts";
import type { HttpContext } from "./http-services.ts";

/** Objects and lists within one another; far above any real request, far below where recursion breaks. */
export const JSON_DEPTH_MAX = 200;

/** Escapes that may stand for characters PostgreSQL refuses: NUL and halves of surrogate pairs. */
const SUSPICIOUS_ESCAPE = /\\u(?:0000|d[89a-f])/i;

/**
 * The body as JSON; `undefined` when it is empty. The content type is not looked at: old clients send none.
 * @throws PayloadTooLargeError, MalformedJsonError, InvalidRequestError
 */
export async function readJsonBody(context: HttpContext, bytesMax: number): Promise<unknown> {
  const text = await readText(context, bytesMax);
  if (text.trim() === "") return undefined;
  if (exceedsDepth(text, JSON_DEPTH_MAX)) {
    throw new InvalidRequestError(`body: nested more than ${JSON_DEPTH_MAX} levels deep`);
  }
  const value = parseJson(text);
  if (SUSPICIOUS_ESCAPE.test(text)) requireStorableText(value, "body");
  return value;
}

async function readText(context: HttpContext, bytesMax: number): Promise<string> {
  const announced = context.req.header("content-length");
  if (announced !== undefined && Number(announced) > bytesMax) throw new PayloadTooLargeError(bytesMax);
  try {
    if (announced !== undefined) return await context.req.text();
    const body = context.req.raw.body;
    return body === null ? "" : await readCounted(body, bytesMax);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new BadRequestError("The request body ended before it was complete");
  }
}

async function readCounted(body: ReadableStream<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new PayloadTooLargeError(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MalformedJsonError(`Malformed JSON in request body: ${error instanceof Error ? error.message : ""}`);
  }
}

/** Whether brackets outside of strings nest deeper than `depthMax`. */
function exceedsDepth(text: string, depthMax: number): boolean {
  if (text.length <= depthMax * 2) return false;
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (isInString) {
      if (code === 0x5c) index++;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) isInString = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > depthMax) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

/** @throws InvalidRequestError naming the place of a text that PostgreSQL cannot keep. */
export function requireStorableText(value: unknown, path: string): void {
  if (typeof value === "string") {
    if (value.includes("\u0000")) throw new InvalidRequestError(`${path}: a NUL character is not allowed in text`);
    if (!value.isWellFormed()) throw new InvalidRequestError(`${path}: half of a surrogate pair is not valid text`);
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => {
      requireStorableText(item, `${path}.${index}`);
    });
  } else if (typeof value === "object" && value !== null) {
    for (const [key, entry] of Object.entries(value)) {
      requireStorableText(key, `a key of ${path}`);
      requireStorableText(entry, `${path}.${key}`);
    }
  }
}
