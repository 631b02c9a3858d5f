// What is said to a model about a tool call that went wrong or gave too much: short, and with what to do next.
import { interopSafeParseAsync, isInteropZodSchema } from "@langchain/core/utils/types";

const errorCharactersMax = 1_000;
const issuesMax = 10;
const headShare = 0.8;

/**
 * Cuts text that is too long out of its middle; beginning and end stay, and the cut says how much is missing.
 * @param charactersMax length of what is kept, without the notice.
 */
export function truncateText(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const headLength = Math.floor(charactersMax * headShare);
  const tailLength = charactersMax - headLength;
  const missing = text.length - charactersMax;
  const notice = `\n[… ${missing} of ${text.length} characters were left out here because the output is too long. Ask for less, or for a part. …]\n`;
  return `${text.slice(0, headLength)}${notice}${tailLength > 0 ? text.slice(-tailLength) : ""}`;
}

/** Arguments that do not fit the tool's schema: what is wrong, place by place, if the schema can tell. */
export async function describeBadArguments(
  name: string,
  schema: unknown,
  args: unknown,
  error: unknown,
): Promise<string> {
  const problems = await findProblems(schema, args);
  const details =
    problems.length > 0 ? problems.map((problem) => `- ${problem}`).join("\n") : `- ${describeError(error)}`;
  return `\`${name}\` was not run, because its arguments are wrong:\n${details}\nCall it again with corrected arguments.`;
}

async function findProblems(schema: unknown, args: unknown): Promise<string[]> {
  if (!isInteropZodSchema(schema)) return [];
  const parsed = await interopSafeParseAsync(schema, args);
  if (parsed.success) return [];
  const issues = (parsed.error as { issues?: { path: PropertyKey[]; message: string }[] }).issues ?? [];
  return issues.slice(0, issuesMax).map(({ path, message }) => {
    const at = path.map(String).join(".");
    return at ? `${at}: ${message}` : message;
  });
}

/** A tool that failed, after all its tries. */
export function describeFailure(name: string, error: unknown, triesCount: number, isOutcomeUnknown: boolean): string {
  const tries = triesCount > 1 ? ` (${triesCount} tries)` : "";
  const outcome = isOutcomeUnknown ? " It may have taken effect nevertheless; check before doing it again." : "";
  return `\`${name}\` failed${tries}: ${describeError(error)}${outcome}`;
}

/** A tool that did not answer in time. */
export function describeTimeout(name: string, timeoutMs: number, isIdempotent: boolean): string {
  const outcome = isIdempotent ? "" : " It may have taken effect nevertheless; check before doing it again.";
  return `\`${name}\` did not answer within ${timeoutMs / 1000} seconds and was stopped.${outcome}`;
}

/** A call that was written in a way nobody can read. */
export function describeUnreadable(name: string, error: string | undefined): string {
  const why = error ? ` (${error.slice(0, 200)})` : "";
  return `Your call of \`${name}\` was not made, because its arguments are not valid JSON${why}. Make the call again, with arguments that are one complete JSON object.`;
}

/** Several calls of a tool that takes one at a time; `isSame`: the first of them has the same arguments. */
export function describeExclusive(name: string, isSame: boolean): string {
  const why = isSame
    ? "the same call was made in the same answer already"
    : "another call of it was made in the same answer";
  return `\`${name}\` was not run, because ${why}, and only one at a time is carried out. Look at the result of the first; if another is still needed, call it then.`;
}

/** The same call failed too often. */
export function describeRepetition(name: string, failuresCount: number): string {
  return `\`${name}\` was not run: the same call with the same arguments has already failed ${failuresCount} times. Do not repeat it. Use other arguments or another tool, or tell the user what did not work.`;
}

/** Too much went wrong in this turn. */
export function describeTooManyFailures(name: string, failuresCount: number): string {
  return `\`${name}\` was not run: ${failuresCount} tool calls have failed since the user's last message. Call no more tools now; tell the user what did not work.`;
}

/** An error's message, of bounded length. */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.length > errorCharactersMax ? `${message.slice(0, errorCharactersMax)}…` : message;
}
