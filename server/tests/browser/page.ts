/// <reference lib="dom" />
// The page of the browser test: React's useStream of the newest client against the server named in the address.
import { useStream } from "@langchain/react";
import { createElement, useState } from "react";
import { createRoot } from "react-dom/client";

/** What the page shows after a rendering. */
export interface Shown {
  isLoading: boolean;
  threadId: string | null;
  messages: { id: string | undefined; type: string; text: string }[];
  values: Record<string, unknown>;
  interrupts: unknown[];
  error: string | undefined;
}

export interface Page {
  switchThread: (threadId: string | null) => void;
  stream: ReturnType<typeof useStream>;
  /** Every rendering so far. */
  shown: Shown[];
}

declare global {
  interface Window {
    chat: Page;
  }
}

const address = new URL(location.href).searchParams;

function Chat() {
  const [wantedThread, switchThread] = useState(address.get("thread"));
  const stream = useStream({
    apiUrl: address.get("server") ?? "",
    assistantId: address.get("assistant") ?? "",
    threadId: wantedThread,
  });
  const { isLoading, threadId, messages, values, interrupts, error } = stream;
  window.chat ??= { stream, shown: [], switchThread };
  window.chat.stream = stream;
  window.chat.shown.push({
    isLoading,
    threadId,
    messages: messages.map(({ id, type, text }) => ({ id, type, text })),
    values: { ...values, messages: undefined },
    interrupts: [...interrupts],
    error: error === undefined ? undefined : String(error),
  });
  const lines = messages.map(({ id, type, text }) => createElement("p", { key: id }, `${type}: ${text}`));
  return createElement("main", null, ...lines);
}

createRoot(document.body).render(createElement(Chat));
