// A run as an A2A task: its state, and what the agent answered as an artifact.
import type { JsonObject } from "../../domain/json.ts";
import type { Run } from "../../domain/run.ts";
import type { Caller } from "../operation.ts";

export type TaskState = "submitted" | "working" | "completed" | "failed" | "canceled" | "input-required";

export interface Part {
  kind: "text" | "data";
  text?: string;
  data?: JsonObject;
}

export interface Artifact {
  artifactId: string;
  name: string;
  parts: Part[];
}

export interface Task {
  kind: "task";
  id: string;
  contextId: string;
  status: { state: TaskState; timestamp: string; message?: JsonObject };
  artifacts?: Artifact[];
}

/** What a run came to, as `runs/wait` tells it. */
export interface TaskResult {
  state: TaskState;
  artifact: Artifact | undefined;
  /** Of a failed task. */
  error: string | undefined;
}

/** Reads the answer of `engine.awaitRun`. */
export function readResult(run: Run, resultJson: string): TaskResult {
  const values = JSON.parse(resultJson) as JsonObject;
  const failure = values.__error__ as { error: string; message: string } | undefined;
  if (failure !== undefined)
    return { state: "failed", artifact: undefined, error: `${failure.error}: ${failure.message}` };
  const interrupts = values.__interrupt__ as JsonObject[] | undefined;
  if (interrupts !== undefined) {
    return {
      state: "input-required",
      artifact: artifactOf(run, [{ kind: "data", data: { interrupts } }], "Input Required"),
      error: undefined,
    };
  }
  return { state: "completed", artifact: artifactOf(run, answerParts(values), "Assistant Response"), error: undefined };
}

export function artifactOf(run: Run, parts: Part[], name: string): Artifact {
  return { artifactId: run.runId, name, parts };
}

export function toTask(run: Run, { state, artifact, error }: TaskResult): Task {
  const message = error === undefined ? undefined : agentMessage(run, error);
  return {
    kind: "task",
    id: run.runId,
    contextId: run.threadId,
    status: { state, timestamp: new Date().toISOString(), ...(message && { message }) },
    ...(artifact === undefined ? {} : { artifacts: [artifact] }),
  };
}

export function agentMessage(run: Run, text: string): JsonObject {
  return {
    kind: "message",
    role: "agent",
    messageId: `${run.runId}-status`,
    taskId: run.runId,
    contextId: run.threadId,
    parts: [{ kind: "text", text }],
  };
}

/** A run that is looked at from outside, whatever it is doing. */
export async function describeRun(call: Caller, run: Run): Promise<Task> {
  if (run.status === "pending") return toTask(run, { state: "submitted", artifact: undefined, error: undefined });
  if (run.status === "running") return toTask(run, { state: "working", artifact: undefined, error: undefined });
  const result = readResult(run, await call.services.engine.awaitRun(run.runId, new AbortController().signal));
  return toTask(run, run.status === "interrupted" ? { ...result, state: "canceled" } : result);
}

/** The last message's text; of a state without messages, the state itself. */
function answerParts(values: JsonObject): Part[] {
  const messages = values.messages;
  if (!Array.isArray(messages)) return [{ kind: "data", data: values }];
  const last = messages.at(-1) as { content?: unknown } | undefined;
  return [{ kind: "text", text: textOf(last?.content) }];
}

/** The text of a message's content: a string, or blocks of which some are text. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((block: { type?: string; text?: string }) => (block.type === "text" ? (block.text ?? "") : ""))
    .join("");
}
