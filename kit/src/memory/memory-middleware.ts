// Long-term memory for agents made with createAgent: recalls before the model answers, remembers when the agent has answered.
import type { BaseMessage } from "@langchain/core/messages";
import type { BaseStore } from "@langchain/langgraph";
import { createMiddleware } from "langchain";
import { isHuman } from "../context-window/message-kinds.ts";
import { type MemoryOptions, recall, remember } from "./memory.ts";

/** Settings of the memory. */
export interface MemoryMiddlewareOptions extends Omit<MemoryOptions, "config"> {
  /** Most tokens of recalled facts, estimated. @default 400 */
  recallTokensMax?: number;
  /** Remembers after every n-th message of the user. @default 1 */
  everyMessages?: number;
  /** Told when nothing could be remembered; the answer stands all the same. */
  onError?: (error: unknown) => void;
}

interface RuntimeLike {
  store?: BaseStore | undefined;
  context?: unknown;
  configurable?: Record<string, unknown>;
  signal?: AbortSignal | undefined;
}

/**
 * Facts are kept per user, in the store that the server hands to every graph. The user is whom Holdfast authenticated, else `user_id` of
 * the run's context or configuration; without a user, or a store, nothing is remembered. Remembering is a step of its own after the answer.
 */
export function memoryMiddleware(options: MemoryMiddlewareOptions) {
  return createMiddleware({
    name: "Memory",
    wrapModelCall: async (request, handler) => {
      const runtime = request.runtime as RuntimeLike;
      const userId = userIdOf(runtime);
      const question = (request.state.messages as BaseMessage[]).findLast((message) => isHuman(message))?.text;
      if (userId === undefined || !runtime.store || !question) return handler(request);
      const facts = await recall(runtime.store, userId, question, options.recallTokensMax);
      if (facts.length === 0) return handler(request);
      const known = `\n\nWhat you know of the user from earlier conversations:\n${facts.map(({ text }) => `- ${text}`).join("\n")}`;
      return handler({ ...request, systemMessage: request.systemMessage.concat(known) });
    },
    afterAgent: async (state, runtime) => {
      const settings = runtime as RuntimeLike;
      const userId = userIdOf(settings);
      const messages = state.messages as BaseMessage[];
      const count = messages.filter((message) => isHuman(message)).length;
      const every = options.everyMessages ?? 1;
      if (userId === undefined || !settings.store || count === 0 || count % every !== 0) return;
      // From the user's message on that came first since the last time.
      const asked = messages.flatMap((message, at) => (isHuman(message) ? [at] : []));
      const from = asked.at(-every) ?? 0;
      try {
        await remember(settings.store, userId, messages.slice(from), {
          ...options,
          ...(settings.signal && { config: { signal: settings.signal } }),
        });
      } catch (error) {
        if (settings.signal?.aborted) throw error;
        options.onError?.(error);
      }
    },
  });
}

/** Authenticated identities win over what a client says of itself. */
function userIdOf({ configurable, context }: RuntimeLike): string | undefined {
  const candidates = [
    configurable?.langgraph_auth_user_id,
    (context as { user_id?: unknown } | undefined)?.user_id,
    configurable?.user_id,
  ];
  return candidates.find((id): id is string => typeof id === "string" && id !== "");
}
