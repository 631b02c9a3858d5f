// Removes secrets from a line of log text, wherever in it they stand.

/** Fields whose value is a secret whatever it looks like. Matched as the end of a JSON key, so `openaiApiKey` counts too. */
const SECRET_FIELD =
  /("[\w-]*(?:authorization|api[-_]?key|password|passwd|secret|cookie|credentials?|private[-_]?key|access[-_]?token|refresh[-_]?token|connection[-_]?string|database[-_]?url)"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi;

/** The password in `scheme://user:password@host`. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*):[^\s@"/]+@/gi;

/** Keys of model providers and bearer tokens that slipped into a message. */
const BARE_TOKEN = /\b(sk-[\w-]{8}|lsv2_[\w-]{4}|Bearer )[\w.~+/=-]{8,}/g;

const HIDDEN = "[redacted]";

/** The text with every secret replaced by `[redacted]`. */
export function redactSecrets(text: string): string {
  return text
    .replace(SECRET_FIELD, `$1"${HIDDEN}"`)
    .replace(URL_PASSWORD, `$1:${HIDDEN}@`)
    .replace(BARE_TOKEN, `$1${HIDDEN}`);
}
