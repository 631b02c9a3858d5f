// Says in one line what is wrong with a request: which field, what was found, what is allowed.
import type { z } from "@hono/zod-openapi";
import { InvalidRequestError } from "../domain/errors.ts";

/** Problems named in one answer; the rest is counted. */
const PROBLEMS_MAX = 5;

type Issue = z.core.$ZodIssue;

/** The error for a part of a request (`body`, `query`, `path`) that does not fit its schema. */
export function describeProblems(part: string, error: z.ZodError): InvalidRequestError {
  const problems = error.issues.slice(0, PROBLEMS_MAX).map((issue) => describeIssue(part, issue));
  const rest = error.issues.length - problems.length;
  return new InvalidRequestError(rest > 0 ? `${problems.join("; ")}; and ${rest} more` : problems.join("; "));
}

function describeIssue(part: string, issue: Issue): string {
  const path = [part, ...issue.path.map(String)].join(".");
  return `${path}: ${describeMessage(issue)}`;
}

function describeMessage(issue: Issue): string {
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const choices = issue.errors.map((branch) =>
      branch
        .map((inner) => {
          const place = inner.path.length > 0 ? `${inner.path.map(String).join(".")}: ` : "";
          return `${place}${describeMessage(inner)}`;
        })
        .join(", "),
    );
    return [...new Set(choices)].join("; or ");
  }
  return issue.message;
}
