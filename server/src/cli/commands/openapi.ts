// `holdfast openapi`: writes the committed OpenAPI document, or checks that it is in step with the routes.
import type { Command } from "commander";
import { writeApiDescription } from "../../assembly/maintenance.ts";
import { EXIT_FAILURE } from "../failure.ts";

export function addOpenapiCommand(program: Command): Command {
  return program
    .command("openapi")
    .description("Writes the API's description (openapi.json). For working on Holdfast itself.")
    .option("--check", "Writes nothing; exit code 1 if the file is not in step with the routes.")
    .action(async (options: { check?: boolean }) => {
      const isCheck = options.check === true;
      const wasInStep = await writeApiDescription(isCheck);
      if (wasInStep) {
        console.log("openapi.json is in step with the routes.");
      } else if (isCheck) {
        console.error("openapi.json is not in step with the routes. Run: holdfast openapi");
        process.exitCode = EXIT_FAILURE;
      } else {
        console.log("openapi.json was written.");
      }
    });
}
