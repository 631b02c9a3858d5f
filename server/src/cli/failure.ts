// Turns whatever stopped a command into words for a terminal and an exit code.
import { HoldfastError } from "../domain/errors.ts";

/** Exit code of a command that could not do its work. */
export const EXIT_FAILURE = 1;

/** Prints why a command failed: one clear message for what people can put right, the stack for what they cannot. */
export function printFailure(error: unknown): void {
  if (error instanceof HoldfastError) {
    console.error(`holdfast: ${error.message}`);
    return;
  }
  console.error("holdfast: failed unexpectedly.");
  console.error(error);
}
