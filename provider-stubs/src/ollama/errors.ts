// Ollama's error bodies: one text.
import { ProviderError } from "../provider-error.ts";

/** An error in Ollama's shape. */
export function ollamaError(status: number, message: string): ProviderError {
  return new ProviderError(status, message, { error: message });
}
