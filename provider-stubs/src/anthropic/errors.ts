// Anthropic's error bodies.
import type { z } from "zod";
import { ProviderError } from "../provider-error.ts";

const typeByStatus: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  529: "overloaded_error",
};

/** An error in Anthropic's shape; by default a 400 `invalid_request_error`. */
export function anthropicError(message: string, status = 400): ProviderError {
  const error = { type: typeByStatus[status] ?? "api_error", message };
  return new ProviderError(status, message, { type: "error", error, request_id: "req_stub" });
}

/** Puts a schema's first complaint into Anthropic's words. */
export function anthropicShapeError(error: z.ZodError, prefix: (string | number)[] = []): ProviderError {
  const issue = error.issues[0]!;
  const path = [...prefix, ...issue.path].map(String);
  if (issue.code === "unrecognized_keys") {
    return anthropicError(`${[...path, issue.keys[0]].join(".")}: Extra inputs are not permitted`);
  }
  const at = path.join(".");
  if (issue.code === "invalid_type" && /received undefined/.test(issue.message))
    return anthropicError(`${at}: Field required`);
  if (issue.code === "invalid_type") return anthropicError(`${at}: Input should be a valid ${issue.expected}`);
  if (issue.code === "invalid_value") {
    const values = issue.values.map((value) => `'${String(value)}'`).join(" or ");
    return anthropicError(`${at}: Input should be ${values}`);
  }
  if (issue.code === "invalid_format" && "pattern" in issue) {
    return anthropicError(`${at}: String should match pattern '${String(issue.pattern).replace(/^\/|\/\w*$/g, "")}'`);
  }
  return anthropicError(`${at}: ${issue.message}`);
}
