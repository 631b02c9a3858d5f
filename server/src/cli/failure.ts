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

/** A listening error in words: which port or address, and what to do. */
export function explainListenError(error: unknown, port: number, host: string): string | undefined {
  switch ((error as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return (
        `Port ${port} is already in use. Stop the program that uses it, or choose another port: ` +
        `set PORT=${port + 1} or use --port ${port + 1}.`
      );
    case "EACCES":
      return `Port ${port} needs more rights than this account has. Choose one above 1023: set PORT=8123 or use --port 8123.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is not an address of this machine. Set HOST=127.0.0.1 (this machine only) or HOST=0.0.0.0 (all networks), or use --host.`;
    default:
      return undefined;
  }
}
