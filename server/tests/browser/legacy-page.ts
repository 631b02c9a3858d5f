/// <reference lib="dom" />
// The page of the browser test of older front ends: React's useStream of the SDK itself, over the first protocol.
import { useStream } from "@langchain/langgraph-sdk/react";
import { createElement, useState } from "react";
import { createRoot } from "react-dom/client";

/** What the page shows after a rendering. */
export interface LegacyShown {
  isLoading: boolean;
  threadId: string | null;
  messages: { id: string | undefined; type: string; text: string; branches: string[] }[];
  interrupt: unknown;
  historyCount: number;
  error: string | undefined;
}

export interface LegacyPage {
  stream: ReturnType<typeof useStream<{ messages: never[] }>>;
  switchThread: (threadId: string | null) => void;
  /** Every rendering so far. */
  shown: LegacyShown[];
}

declare global {
  interface Window {
    legacy: LegacyPage;
  }
}

const address = new URL(location.href).searchParams;

function Chat() {
  const [threadId, setThreadId] = useState(address.get("thread"));
  const switchThread = (id: string | null) => {
    const url = new URL(location.href);
    if (id === null) url.searchParams.delete("thread");
    else url.searchParams.set("thread", id);
    history.replaceState(null, "", url);
    setThreadId(id);
  };
  const stream = useStream<{ messages: never[] }>({
    apiUrl: address.get("server") ?? "",
    assistantId: address.get("assistant") ?? "",
    threadId,
    onThreadId: switchThread,
    reconnectOnMount: true,
    fetchStateHistory: true,
  });
  const messages = stream.messages.map((message: { id?: string; type: string; content: unknown }, index) => ({
    id: message.id,
    type: message.type,
    text: String(message.content),
    branches: stream.getMessagesMetadata(message as never, index)?.branchOptions ?? [],
  }));
  window.legacy ??= { stream, switchThread, shown: [] };
  Object.assign(window.legacy, { stream, switchThread });
  window.legacy.shown.push({
    isLoading: stream.isLoading,
    threadId,
    messages,
    interrupt: stream.interrupt?.value,
    historyCount: stream.history.length,
    error: stream.error === undefined ? undefined : String(stream.error),
  });
  const lines = messages.map(({ type, text }, index) => createElement("p", { key: index }, `${type}: ${text}`));
  return createElement("main", null, ...lines);
}

createRoot(document.body).render(createElement(Chat));
