// The tapes that this process follows, and what can be read off a tape besides its events.
import type { EventBus } from "../domain/ports/event-bus.ts";
import { type AgentTree, type LifecycleStatus, rootStatusOf, type TapeRun } from "../domain/thread-tape.ts";
import { TapeFollower, type TapeSources } from "./tape-follower.ts";
import type { TapeFollowOptions, TapeListener } from "./tape-listener.ts";

/** Tells every process that a thread has a new run on its tape. A thread is told of like a run: under its id. */
export function announceThread(bus: EventBus, threadId: string): void {
  bus.publishEvents(threadId, []);
}

export class ThreadTapes implements Disposable {
  readonly #sources: TapeSources;
  readonly #followers = new Set<TapeFollower>();
  readonly #timer: NodeJS.Timeout;

  constructor(sources: TapeSources, options: { pollIntervalMs: number }) {
    this.#sources = sources;
    this.#timer = setInterval(() => void this.#poll(), options.pollIntervalMs);
    this.#timer.unref();
  }

  /** Follows the thread's tape, also of a thread that does not exist yet. Returns a function that stops it. */
  follow(threadId: string, options: TapeFollowOptions, listener: TapeListener): () => void {
    const follower = new TapeFollower(threadId, listener, options, this.#sources);
    this.#followers.add(follower);
    void follower.run().finally(() => this.#followers.delete(follower));
    return () => follower.stop();
  }

  /** The graphs that a run called and how they stand; the thread's newest run without `runId`. */
  async readAgentTree(threadId: string, runId: string | undefined): Promise<AgentTree | undefined> {
    const { tape } = this.#sources;
    const run = await (runId === undefined ? tape.findNewestTapeRun(threadId) : tape.findTapeRun(runId));
    if (run === undefined || run.threadId !== threadId) return undefined;
    return buildTree(run, await tape.readLifecycles(run.runId));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const follower of this.#followers) follower.stop();
  }

  /** The safety net under the notices: one query for all threads. */
  async #poll(): Promise<void> {
    if (this.#followers.size === 0) return;
    const threadIds = [...new Set([...this.#followers].map(({ threadId }) => threadId))];
    // While the database is away there is nothing to find; the next turn asks again.
    const blocks = await this.#sources.tape.readTapeBlocks(threadIds).catch(() => undefined);
    for (const follower of this.#followers) {
      if ((blocks?.get(follower.threadId) ?? 0) > follower.block) follower.notice();
    }
  }
}

function buildTree(run: TapeRun, lifecycles: string[]): AgentTree {
  const root: AgentTree = { namespace: [], status: rootStatusOf(run), graphName: run.graphId, children: [] };
  const known = new Map<string, AgentTree>([["", root]]);
  for (const text of lifecycles) {
    const { namespace, data } = JSON.parse(text) as {
      namespace: string[];
      data: { event: LifecycleStatus; graph_name: string };
    };
    const key = namespace.join("|");
    const node = known.get(key) ?? { namespace, status: data.event, graphName: data.graph_name, children: [] };
    node.status = data.event;
    if (known.has(key)) continue;
    known.set(key, node);
    known.get(namespace.slice(0, -1).join("|"))?.children.push(node);
  }
  return root;
}
