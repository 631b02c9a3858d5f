// The kinds of environment variables there are, each able to parse itself and to say what it allows.
import { z } from "zod";
import type { EncryptionKey } from "../domain/encryption-key.ts";

/** One environment variable: how it is read, and what people are told about it. */
export interface EnvVariable<T> {
  readonly schema: z.ZodType<T, string | undefined>;
  /** One sentence for `.env.example` and the documentation. */
  readonly description: string;
  /** What may be written, in words. */
  readonly allowed: string;
  /** Default as it would be written, or a description in parentheses where it is worked out; empty for none. */
  readonly defaultText: string;
  /** Whether the value must never be shown. */
  readonly isSecret: boolean;
}

/** A whole number within limits. */
export function integer(
  description: string,
  limits: { default: number; min: number; max: number },
): EnvVariable<number> {
  const inRange = z.number().int().min(limits.min).max(limits.max);
  return {
    schema: z.preprocess((value) => (isBlank(value) ? limits.default : numberFrom(value)), inRange) as z.ZodType<
      number,
      string | undefined
    >,
    description,
    allowed: `a whole number from ${limits.min} to ${limits.max}`,
    defaultText: String(limits.default),
    isSecret: false,
  };
}

/** A whole number that is worked out by the program when it is not given. */
export function optionalInteger(
  description: string,
  limits: { defaultText: string; min: number; max: number },
): EnvVariable<number | undefined> {
  const inRange = z.number().int().min(limits.min).max(limits.max).optional();
  return {
    schema: z.preprocess((value) => (isBlank(value) ? undefined : numberFrom(value)), inRange) as z.ZodType<
      number | undefined,
      string | undefined
    >,
    description,
    allowed: `a whole number from ${limits.min} to ${limits.max}`,
    defaultText: `(${limits.defaultText})`,
    isSecret: false,
  };
}

/** One of a few words. */
export function oneOf<const W extends readonly [string, ...string[]]>(
  description: string,
  words: W,
  fallback: W[number],
): EnvVariable<W[number]> {
  return {
    schema: z.preprocess((value) => (isBlank(value) ? fallback : String(value).trim()), z.enum(words)) as z.ZodType<
      W[number],
      string | undefined
    >,
    description,
    allowed: `one of ${words.join(", ")}`,
    defaultText: fallback,
    isSecret: false,
  };
}

/** On or off. */
export function flag(description: string, fallback: boolean): EnvVariable<boolean> {
  const words: Readonly<Record<string, boolean>> = {
    "1": true,
    true: true,
    yes: true,
    on: true,
    "0": false,
    false: false,
    no: false,
    off: false,
  };
  return {
    schema: z.preprocess(
      (value) => (isBlank(value) ? fallback : (words[String(value).trim().toLowerCase()] ?? value)),
      z.boolean(),
    ) as z.ZodType<boolean, string | undefined>,
    description,
    allowed: "1 or 0 (true, yes, on; false, no, off)",
    defaultText: fallback ? "1" : "0",
    isSecret: false,
  };
}

/** Free text that has a default. */
export function text(description: string, fallback: string, allowed = "any text"): EnvVariable<string> {
  return {
    schema: z.preprocess((value) => (isBlank(value) ? fallback : String(value).trim()), z.string()) as z.ZodType<
      string,
      string | undefined
    >,
    description,
    allowed,
    defaultText: fallback,
    isSecret: false,
  };
}

/** Free text that may be missing. */
export function optionalText(
  description: string,
  options: { isSecret?: boolean; allowed?: string; defaultText?: string } = {},
): EnvVariable<string | undefined> {
  return {
    schema: z.preprocess(
      (value) => (isBlank(value) ? undefined : String(value).trim()),
      z.string().optional(),
    ) as z.ZodType<string | undefined, string | undefined>,
    description,
    allowed: options.allowed ?? "any text",
    defaultText: options.defaultText === undefined ? "" : `(${options.defaultText})`,
    isSecret: options.isSecret ?? false,
  };
}

/** A URL of one of the given schemes; secret, because a URL may carry a password. */
export function optionalUrl(
  description: string,
  schemes: readonly string[],
  options: { isSecret?: boolean; defaultText?: string } = {},
): EnvVariable<string | undefined> {
  // A database URL may leave the host out (`postgresql://user@/name?host=/run/postgresql`), which is not a URL elsewhere.
  const isWanted = (value: string): boolean =>
    schemes.some((scheme) => value.startsWith(`${scheme}://`)) && (URL.canParse(value) || value.includes("@/"));
  return {
    schema: z.preprocess(
      (value) => (isBlank(value) ? undefined : String(value).trim()),
      z.string().refine(isWanted).optional(),
    ) as z.ZodType<string | undefined, string | undefined>,
    description,
    allowed: `a URL starting with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`,
    defaultText: options.defaultText === undefined ? "" : `(${options.defaultText})`,
    isSecret: options.isSecret ?? true,
  };
}

/** What system assistants begin with, by graph: `{"GRAPH": {"configurable": {...}, "recursion_limit": 50, "context": {...}}}`. */
export function graphDefaults(description: string): EnvVariable<Readonly<Record<string, GraphDefaults>>> {
  const defaults = z.strictObject({
    configurable: z.record(z.string(), z.unknown()).optional(),
    recursion_limit: z.number().int().positive().optional(),
    tags: z.array(z.string()).optional(),
    context: z.record(z.string(), z.unknown()).optional(),
  });
  return {
    schema: z.preprocess(
      (value) => (isBlank(value) ? {} : jsonFrom(value)),
      z.record(z.string(), defaults),
    ) as unknown as z.ZodType<Readonly<Record<string, GraphDefaults>>, string | undefined>,
    description,
    allowed: "JSON: an object by graph with configurable, recursion_limit, tags and context",
    defaultText: "",
    isSecret: false,
  };
}

/** As LANGGRAPH_CONFIG gives them. */
export interface GraphDefaults {
  readonly configurable?: Readonly<Record<string, unknown>>;
  readonly recursion_limit?: number;
  readonly tags?: readonly string[];
  readonly context?: Readonly<Record<string, unknown>>;
}

/** What the text spells, or the text for the schema to refuse. */
function jsonFrom(value: unknown): unknown {
  try {
    return JSON.parse(String(value));
  } catch {
    return value;
  }
}

/** `ID:KEY` pairs, comma-separated: keys of 32 bytes in base64, each with a name that is stored beside what it sealed. */
export function encryptionKeys(description: string): EnvVariable<readonly EncryptionKey[]> {
  return {
    schema: z.preprocess(
      (value) => (isBlank(value) ? [] : String(value).split(",").map(encryptionKeyFrom)),
      z.array(z.object({ keyId: z.string(), secret: z.instanceof(Uint8Array) })).refine(areIdsUnique),
    ) as unknown as z.ZodType<readonly EncryptionKey[], string | undefined>,
    description,
    allowed: "comma-separated ID:KEY, each KEY 32 bytes in base64, each ID of letters, digits, - and _ (32 at most)",
    defaultText: "",
    isSecret: true,
  };
}

const ENCRYPTION_KEY = /^([\w-]{1,32}):([A-Za-z0-9+/_-]{43}=?)$/;

/** The key that the text spells, or `undefined` for the schema to refuse. */
function encryptionKeyFrom(text: string): EncryptionKey | undefined {
  const [, keyId, secret] = ENCRYPTION_KEY.exec(text.trim()) ?? [];
  return keyId === undefined || secret === undefined
    ? undefined
    : { keyId, secret: new Uint8Array(Buffer.from(secret, "base64")) };
}

function areIdsUnique(keys: readonly EncryptionKey[]): boolean {
  return new Set(keys.map(({ keyId }) => keyId)).size === keys.length;
}

/** An empty variable counts as not set, as in `PORT= holdfast start`. */
function isBlank(value: unknown): boolean {
  return value === undefined || String(value).trim() === "";
}

/** The number that `value` spells, or `value` itself for the schema to refuse. */
function numberFrom(value: unknown): unknown {
  const digits = String(value).trim();
  return /^-?\d+$/.test(digits) ? Number(digits) : value;
}
