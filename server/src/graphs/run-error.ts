// Says in the client's terms why a run failed: the error's name and message, never a stack trace.
import type { RunError } from "../domain/run.ts";

/** Name and message of anything that was thrown. */
export function describeError(error: unknown): RunError {
  if (error instanceof Error) return { error: error.name, message: error.message };
  if (typeof error === "object" && error !== null && "message" in error) {
    // An Error of another realm, or the record LangGraph keeps of a failed task.
    const name: unknown = Reflect.get(error, "name");
    return { error: typeof name === "string" ? name : "Error", message: String(error.message) };
  }
  return { error: "Error", message: typeof error === "string" ? error : (JSON.stringify(error) ?? String(error)) };
}

/** The error's name where there is one: classes of other LangGraph copies are recognised by it. */
export function errorName(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const name: unknown = Reflect.get(error, "name");
  return typeof name === "string" ? name : undefined;
}
