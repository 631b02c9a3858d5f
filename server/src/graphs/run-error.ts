// Says in the client's terms why a run failed: the error's name and message, never a stack trace.
import type { ResumeRefusal, RunError } from "../domain/run.ts";

/** LangGraph's error for a strict resume that names what does not wait. */
const REFUSED_RESUME_ERROR_NAME = "UnknownInterruptError";

/** Name and message of anything that was thrown. */
export function describeError(error: unknown): RunError {
  if (error instanceof Error) return { error: error.name, message: error.message, ...refusalOf(error) };
  if (typeof error === "object" && error !== null && "message" in error) {
    // An Error of another realm, or the record LangGraph keeps of a failed task.
    const name: unknown = Reflect.get(error, "name");
    return { error: typeof name === "string" ? name : "Error", message: String(error.message) };
  }
  return { error: "Error", message: typeof error === "string" ? error : (JSON.stringify(error) ?? String(error)) };
}

/** What LangGraph says of a strict resume that it refused. */
function refusalOf(error: Error): { refusal?: ResumeRefusal } {
  if (error.name !== REFUSED_RESUME_ERROR_NAME) return {};
  const ids = (key: string): string[] => {
    const listed: unknown = Reflect.get(error, key);
    return Array.isArray(listed) ? listed.map(String) : [];
  };
  const reason = String(Reflect.get(error, "reason"));
  return { refusal: { reason, interruptIds: ids("interruptIds"), pendingIds: ids("pendingIds") } };
}

/** The error's name where there is one: classes of other LangGraph copies are recognised by it. */
export function errorName(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const name: unknown = Reflect.get(error, "name");
  return typeof name === "string" ? name : undefined;
}
