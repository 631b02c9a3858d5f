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

/** A message's text with what it was written from. */
interface CachedText {
  json: string;
  id: unknown;
  name: unknown;
  content: unknown;
  contentLength: number;
  toolCalls: unknown;
  toolCallCount: number;
  additionalCount: number;
  metadataCount: number;
  usage: unknown;
  status: unknown;
}

const textCache = new WeakMap<MessageLike, CachedText>();

function countKeys(value: object | undefined): number {
  let count = 0;
  for (const _key in value) count += 1;
  return count;
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

/**
 * Whether the message is as it was: every field's reference, and the size of the objects it refers to. An edit deep inside such an
 * object that keeps its size is not noticed; LangGraph's own edits replace fields.
 */
function isUnchanged(cached: CachedText, message: MessageLike): boolean {
  return (
    cached.id === message.id &&
    cached.name === message.name &&
    cached.content === message.content &&
    cached.contentLength === lengthOf(message.content) &&
    cached.toolCalls === message.tool_calls &&
    cached.toolCallCount === lengthOf(message.tool_calls) &&
    cached.usage === message.usage_metadata &&
    cached.status === message.status &&
    cached.additionalCount === countKeys(message.additional_kwargs) &&
    cached.metadataCount === countKeys(message.response_metadata)
  );
}

/**
 * JSON text of the flat form. Texts are kept per message object as long as the object lives, so a long history is written out
 * once and not again at each superstep.
 */
export function messageJson(message: MessageLike, stringify: (value: unknown) => string): string {
  const cached = textCache.get(message);
  if (cached !== undefined && isUnchanged(cached, message)) return cached.json;
  const json = stringify(flattenMessage(message));
  textCache.set(message, {
    json,
    id: message.id,
    name: message.name,
    content: message.content,
    contentLength: lengthOf(message.content),
    toolCalls: message.tool_calls,
    toolCallCount: lengthOf(message.tool_calls),
    additionalCount: countKeys(message.additional_kwargs),
    metadataCount: countKeys(message.response_metadata),
    usage: message.usage_metadata,
    status: message.status,
  });
  return json;
}
