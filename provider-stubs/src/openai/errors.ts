// OpenAI's error bodies.
import type { z } from "zod";
import { ProviderError } from "../provider-error.ts";

interface ErrorDetails {
  type?: string;
  param?: string | null;
  code?: string | null;
  status?: number;
}

/** An error in OpenAI's shape; by default a 400 `invalid_request_error`. */
export function openAiError(message: string, details: ErrorDetails = {}): ProviderError {
  const { type = "invalid_request_error", param = null, code = null, status = 400 } = details;
  return new ProviderError(status, message, { error: { message, type, param, code } });
}

/** Puts a schema's first complaint into OpenAI's words. */
export function openAiShapeError(error: z.ZodError, prefix: (string | number)[] = []): ProviderError {
  const issue = error.issues[0]!;
  const param = [...prefix, ...issue.path].reduce<string>(
    (path, key) => (typeof key === "number" ? `${path}[${key}]` : path ? `${path}.${String(key)}` : String(key)),
    "",
  );
  if (issue.code === "unrecognized_keys") {
    const name = param ? `${param}.${issue.keys[0]}` : String(issue.keys[0]);
    return openAiError(`Unknown parameter: '${name}'.`, { param: name, code: "unknown_parameter" });
  }
  if (issue.code === "invalid_type" && /received undefined/.test(issue.message)) {
    return openAiError(`Missing required parameter: '${param}'.`, { param, code: "missing_required_parameter" });
  }
  if (issue.code === "invalid_type") {
    const received = /received (\w+)/.exec(issue.message)?.[1] ?? "another type";
    const message = `Invalid type for '${param}': expected ${issue.expected}, but got ${received} instead.`;
    return openAiError(message, { param, code: "invalid_type" });
  }
  if (issue.code === "invalid_value") {
    const values = issue.values.map((value) => `'${String(value)}'`).join(", ");
    return openAiError(`Invalid value for '${param}'. Supported values are: ${values}.`, {
      param,
      code: "invalid_value",
    });
  }
  if (issue.code === "too_small" && issue.origin === "array") {
    const message = `Invalid '${param}': empty array. Expected an array with minimum length ${issue.minimum}, but got an empty array instead.`;
    return openAiError(message, { param, code: "empty_array" });
  }
  return openAiError(`Invalid '${param}': ${issue.message}.`, { param, code: "invalid_value" });
}
