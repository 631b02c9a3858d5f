// Takes secrets out of values before they are traced, logged or shown: by the names of fields, and by what secrets look like.

/** What is taken for a secret. */
export interface RedactionOptions {
  /** Names of fields whose values are secret, compared without case, `-` and `_`. @default password, token, secret, apiKey and the like */
  names?: string[];
  /** Texts that are secret wherever they stand. @default keys of OpenAI, Anthropic, AWS, GitHub and Slack, JWTs, bearer tokens, card numbers */
  patterns?: RegExp[];
  /** What stands in the place of a secret. @default "[redacted]" */
  mark?: string;
}

const namesDefault = [
  "password",
  "passwd",
  "passphrase",
  "secret",
  "clientsecret",
  "token",
  "accesstoken",
  "refreshtoken",
  "apikey",
  "authorization",
  "cookie",
  "privatekey",
  "creditcard",
  "cardnumber",
  "cvc",
  "pin",
];

const patternsDefault = [
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{30,}\b/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /\bBearer\s+[A-Za-z0-9._~+/=-]{8,}/gi,
  /\b(?:\d[ -]?){12,15}\d\b/g,
];

const depthMax = 12;

/** A copy of `value` without its secrets; what is no plain object, list or text comes back as it is. */
export function redact<Value>(value: Value, options: RedactionOptions = {}): Value {
  const names = new Set((options.names ?? namesDefault).map(plainName));
  const patterns = options.patterns ?? patternsDefault;
  const mark = options.mark ?? "[redacted]";
  const cleanText = (text: string) => patterns.reduce((cleaned, pattern) => cleaned.replace(pattern, mark), text);
  const clean = (part: unknown, depth: number): unknown => {
    if (typeof part === "string") return cleanText(part);
    if (part === null || typeof part !== "object") return part;
    if (depth >= depthMax) return mark;
    if (Array.isArray(part)) return part.map((item) => clean(item, depth + 1));
    if (Object.getPrototypeOf(part) !== Object.prototype && Object.getPrototypeOf(part) !== null) return part;
    return Object.fromEntries(
      Object.entries(part).map(([name, inner]) => [name, names.has(plainName(name)) ? mark : clean(inner, depth + 1)]),
    );
  };
  return clean(value, 0) as Value;
}

/** The same for text that may hold JSON, as tools' inputs are traced. */
export function redactText(text: string, options: RedactionOptions = {}): string {
  try {
    return JSON.stringify(redact(JSON.parse(text) as unknown, options));
  } catch {
    return redact(text, options);
  }
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}
