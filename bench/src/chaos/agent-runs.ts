// What the faults of model and tool calls share: an agent on a provider stub, runs of it, and its history sent to the stub again.
import { setTimeout as sleep } from "node:timers/promises";
import { type ProviderStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { NO_RUN_HEADER } from "../harness/check-usage.ts";
import type { Random } from "./random.ts";

const TOOL_MS_MAX = 300;
const POLL_MS = 25;

/** A provider whose agent calls two tools for each user message and then answers at length. */
export async function startAgentProvider(random: Random, tokenDelayMs: number): Promise<ProviderStub> {
  const stub = await startOpenAiStub({ tokenDelayMs });
  stub.script((conversation) => {
    if (conversation.messages.at(-1)?.role !== "user") return `Done: ${"one more word ".repeat(random.integer(5, 15))}`;
    const toolCalls = [0, 1].map(() => ({ name: "wait", args: { ms: random.integer(0, TOOL_MS_MAX) } }));
    return { text: "I shall wait twice.", toolCalls };
  });
  return stub;
}

export interface AgentRun {
  runId: string;
  status: string;
}

/** The API as these faults use it. */
export class AgentApi {
  readonly #apiUrl: string;
  readonly #configurable: Record<string, unknown>;

  constructor(apiUrl: string, configurable: Record<string, unknown>) {
    this.#apiUrl = apiUrl;
    this.#configurable = configurable;
  }

  async createThread(): Promise<string> {
    return String((await this.#post("/threads", {})).thread_id);
  }

  async createRun(threadId: string, content: string, configurable: Record<string, unknown> = {}): Promise<string> {
    const run = await this.#post(`/threads/${threadId}/runs`, {
      assistant_id: "tool_agent",
      input: { messages: [{ role: "user", content }] },
      config: { configurable: { ...this.#configurable, ...configurable } },
      stream_mode: ["messages-tuple", "values"],
    });
    return String(run.run_id);
  }

  async cancel(threadId: string, runId: string, action: "interrupt" | "rollback"): Promise<number> {
    const response = await fetch(`${this.#apiUrl}/threads/${threadId}/runs/${runId}/cancel?action=${action}`, {
      method: "POST",
    });
    await response.text();
    return response.status;
  }

  /** Waits until the run has ended; the status is `gone` for a run that was rolled back, `late` when it takes too long. */
  async untilEnded(threadId: string, runId: string, waitMaxMs: number): Promise<string> {
    const deadlineMs = Date.now() + waitMaxMs;
    while (Date.now() < deadlineMs) {
      const response = await fetch(`${this.#apiUrl}/threads/${threadId}/runs/${runId}`);
      const { status } = (await response.json()) as { status?: string };
      if (response.status === 404) return "gone";
      if (status !== undefined && status !== "pending" && status !== "running") return status;
      await sleep(POLL_MS);
    }
    return "late";
  }

  async readMessages(threadId: string): Promise<WireMessage[]> {
    const response = await fetch(`${this.#apiUrl}/threads/${threadId}/state`);
    const state = (await response.json()) as { values: { messages?: WireMessage[] } };
    return state.values.messages ?? [];
  }

  async #post(path: string, body: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#apiUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }
}

export interface WireMessage {
  type: "human" | "ai" | "tool";
  content: string;
  tool_calls?: { id: string; name: string; args: unknown }[];
  tool_call_id?: string;
}

/** Sends a history to the provider as it stands; returns the provider's complaint, if it has one. */
export async function replayHistory(stub: ProviderStub, messages: WireMessage[]): Promise<string | undefined> {
  const response = await fetch(`${stub.url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer test-key", [NO_RUN_HEADER]: "1" },
    body: JSON.stringify({ model: "gpt-4o-mini", messages: messages.map(toChatMessage) }),
  });
  const text = await response.text();
  return response.ok ? undefined : text;
}

function toChatMessage({ type, content, tool_calls: calls, tool_call_id }: WireMessage): Record<string, unknown> {
  if (type === "human") return { role: "user", content };
  if (type === "tool") return { role: "tool", content, tool_call_id };
  const tool_calls = calls?.map(({ id, name, args }) => ({
    id,
    type: "function",
    function: { name, arguments: JSON.stringify(args) },
  }));
  return { role: "assistant", content, ...(tool_calls?.length ? { tool_calls } : {}) };
}

/** Runs `count` pieces of work, `atOnce` at a time. */
export async function inParallel(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
