// `holdfast rekey`: encrypts stored conversations with the current key, after it changed or encryption was switched on.
import type { Command } from "commander";
import { rekeyDatabase } from "../../assembly/rekeying.ts";
import { addEnvFlags } from "../env-flags.ts";
import { readConfig } from "../serve.ts";
import { formatTable } from "../table.ts";

export function addRekeyCommand(program: Command): Command {
  const command = program
    .command("rekey")
    .description(
      "Encrypts stored conversations with the first key of HOLDFAST_ENCRYPTION_KEYS; servers may run meanwhile.",
    )
    .option("--decrypt", "Stores them unencrypted instead, before encryption is switched off.");
  return addEnvFlags(command, ["HOLDFAST_CONFIG", "DATABASE_URL", "HOLDFAST_DATA_DIR"]).action(rekey);
}

async function rekey(options: Record<string, unknown>): Promise<void> {
  const config = await readConfig(options, false);
  const log = (message: string): void => console.error(`holdfast: ${message}`);
  const columns = await rekeyDatabase(config, log, options.decrypt === true);
  const rows = columns.map(({ table, column, seenCount, changedCount }) => [
    `${table}.${column}`,
    String(seenCount),
    String(changedCount),
  ]);
  console.log(formatTable(["CONTENT", "ROWS", "WRITTEN"], rows));
}
