// What `holdfast rekey` and `holdfast doctor` need of encrypted contents.
import type { Config } from "../config/config.ts";
import { ConfigurationError } from "../domain/errors.ts";
import { type RekeyedColumn, rekeyContents } from "../postgres/content/rekey.ts";
import { usePool } from "./maintenance.ts";

/** @throws ConfigurationError without keys; SealedContentError for rows under a key that is not there */
export async function rekeyDatabase(
  config: Config,
  log: (message: string) => void,
  isDecrypting: boolean,
): Promise<RekeyedColumn[]> {
  if (config.secrets.encryptionKeys.length === 0) {
    throw new ConfigurationError(
      "HOLDFAST_ENCRYPTION_KEYS is not set: give the new key first and, behind it, those that rows may still be encrypted with.",
    );
  }
  const columns: RekeyedColumn[] = [];
  await usePool(config, log, (pool) => rekeyContents(pool, isDecrypting, (column) => void columns.push(column)));
  return columns;
}
