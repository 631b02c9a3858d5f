// Entry of the `holdfast` command.
import { EXIT_FAILURE, printFailure } from "./failure.ts";
import { createProgram } from "./program.ts";

try {
  await createProgram().parseAsync();
} catch (error) {
  printFailure(error);
  process.exitCode = EXIT_FAILURE;
}
// A graph may have left timers or sockets open; the command's work is done all the same.
process.exit();
