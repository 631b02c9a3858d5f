// `holdfast doctor`: checks everything a start needs and says what to do about what is missing.
import type { Command } from "commander";
import { checkAddresses } from "../doctor-addresses.ts";
import {
  checkCores,
  checkDatabase,
  checkDataDir,
  checkEncryption,
  checkNode,
  checkPort,
  checkProject,
  type Finding,
} from "../doctor-checks.ts";
import { checkModel } from "../doctor-models.ts";
import { addEnvFlags, COMMON_FLAGS } from "../env-flags.ts";
import { EXIT_FAILURE } from "../failure.ts";
import { readConfig } from "../serve.ts";

export function addDoctorCommand(program: Command): Command {
  const command = program
    .command("doctor")
    .description(
      "Checks Node.js, settings, project file, database, port and model, and says what to do. Exit code 1 if something fails.",
    );
  return addEnvFlags(command, ["PORT", "HOST", ...COMMON_FLAGS]).action(examine);
}

async function examine(options: Record<string, unknown>): Promise<void> {
  const findings: Finding[] = [];
  const report = (finding: Finding): void => {
    findings.push(finding);
    console.log(formatFinding(finding));
  };
  report(checkNode());
  const config = await readConfig(options, false).catch((error: Error) => {
    report({
      level: "fail",
      topic: "Settings",
      text: error.message,
      remedy: "Correct them; the other checks need them.",
    });
    return undefined;
  });
  if (config !== undefined) {
    report({ level: "ok", topic: "Settings", text: "every variable and flag has a valid value" });
    checkProject(config).forEach(report);
    report(await checkDataDir(config));
    (await checkDatabase(config)).forEach(report);
    report(await checkPort(config));
    report(checkCores(config));
    report(checkEncryption(config));
    report(await checkModel(config));
    report(checkAddresses(config));
  }
  const failed = findings.filter(({ level }) => level === "fail").length;
  const warned = findings.filter(({ level }) => level === "warn").length;
  console.log(`\n${failed === 0 ? "Ready to start" : "Not ready"}: ${failed} failed, ${warned} to look at.`);
  process.exitCode = failed === 0 ? 0 : EXIT_FAILURE;
}

/** `ok    Port          8123 on 127.0.0.1 is free`, the remedy on a line of its own. */
function formatFinding({ level, topic, text, remedy }: Finding): string {
  const indent = " ".repeat(20);
  const lines = text.replaceAll("\n", `\n${indent}`);
  return `${level.padEnd(6)}${topic.padEnd(14)}${lines}${remedy ? `\n${indent}${remedy}` : ""}`;
}
