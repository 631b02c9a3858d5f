// ChatOllama with cancellation that reaches the socket, and reaches only the call that was cancelled.
import { AsyncLocalStorage } from "node:async_hooks";
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseMessage } from "@langchain/core/messages";
import type { ChatGenerationChunk } from "@langchain/core/outputs";
import { ChatOllama, type ChatOllamaInput } from "@langchain/ollama";

const signalOfCall = new AsyncLocalStorage<AbortSignal | undefined>();

/**
 * ChatOllama looks at the signal only when a chunk arrives and then aborts every stream of its client, other callers' too.
 * Here the signal of each call goes to that call's own request, and the base class never sees it.
 */
export class CancellableOllama extends ChatOllama {
  constructor(fields: ChatOllamaInput) {
    super({ ...fields, fetch: fetchWithSignalOfCall });
  }

  static override lc_name(): string {
    return "ChatOllama";
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { signal, ...rest } = options;
    signal?.throwIfAborted();
    const chunks = super._streamResponseChunks(messages, rest as this["ParsedCallOptions"], runManager);
    try {
      while (true) {
        const next = await signalOfCall.run(signal, () => chunks.next());
        if (next.done) break;
        yield next.value;
      }
    } finally {
      // A consumer that stops early leaves the loop here; the base class must get to close its request.
      await chunks.return(undefined);
    }
    signal?.throwIfAborted();
  }
}

const fetchWithSignalOfCall: typeof fetch = (input, init) => {
  const signals = [init?.signal, signalOfCall.getStore()].filter((signal) => signal != null);
  return fetch(input, signals.length > 0 ? { ...init, signal: AbortSignal.any(signals) } : init);
};
