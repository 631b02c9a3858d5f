// Turns LangChain messages into the flat form clients know, with a cache of the JSON text per message object.

/** Any LangChain message, recognised by shape: user projects may carry their own copy of `@langchain/core`. */
export interface MessageLike {
  id?: string;
  name?: string;
  content: unknown;
  lc_kwargs: Record<string, unknown>;
  additional_kwargs?: object;
  response_metadata?: object;
  tool_calls?: unknown[];
  usage_metadata?: unknown;
  status?: unknown;
  getType?: () => string;
  _getType?: () => string;
  /** Present on chunks only. */
  concat?: (other: MessageLike) => MessageLike;
}

/** Whether this is a message object of LangChain. */
export function isMessage(value: unknown): value is MessageLike {
  return (
    typeof value === "object" &&
    value !== null &&
    "lc_kwargs" in value &&
    "content" in value &&
    (typeof Reflect.get(value, "getType") === "function" || typeof Reflect.get(value, "_getType") === "function")
  );
}

/** The flat form: the message's fields beside its `type` (`human`, `ai`, `tool`, `system`, `remove`, ...). */
export function flattenMessage(message: MessageLike): Record<string, unknown> {
  const flat: Record<string, unknown> = {};
  for (const key of Object.keys(message.lc_kwargs)) {
    flat[key] = key in message ? Reflect.get(message, key) : message.lc_kwargs[key];
  }
  // The id is often given after construction (by the messages reducer or the stream), where the constructor's arguments miss it.
  if (message.id !== undefined && message.id !== null) flat.id = message.id;
  flat.type = message.getType?.() ?? message._getType?.();
  return flat;
}

interface CachedText {
  fingerprint: unknown[];
  json: string;
}

const textCache = new WeakMap<MessageLike, CachedText>();

/**
 * What changes when a message is edited in place: every field's reference, and the size of the objects it refers to. An edit
 * deep inside such an object that keeps its size is not noticed; LangGraph's own edits replace fields.
 */
function fingerprint(message: MessageLike): unknown[] {
  const { content, additional_kwargs, response_metadata, tool_calls } = message;
  return [
    message.id,
    message.name,
    content,
    Array.isArray(content) ? content.length : 0,
    tool_calls,
    tool_calls?.length,
    additional_kwargs && Object.keys(additional_kwargs).length,
    response_metadata && Object.keys(response_metadata).length,
    message.usage_metadata,
    message.status,
  ];
}

function isSame(left: unknown[], right: unknown[]): boolean {
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

/**
 * JSON text of the flat form. Texts are kept per message object as long as the object lives, so a long history is written out
 * once and not again at each superstep.
 */
export function messageJson(message: MessageLike, stringify: (value: unknown) => string): string {
  const current = fingerprint(message);
  const cached = textCache.get(message);
  if (cached !== undefined && isSame(cached.fingerprint, current)) return cached.json;
  const json = stringify(flattenMessage(message));
  textCache.set(message, { fingerprint: current, json });
  return json;
}
