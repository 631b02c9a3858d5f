// `holdfast keys`: makes, lists and revokes the API keys of HOLDFAST_API_KEYS=1.
import { type Command, Option } from "commander";
import { administerKeys } from "../../assembly/maintenance.ts";
import { type ApiKey, SCOPE_PATTERN } from "../../domain/api-key.ts";
import { ConfigurationError } from "../../domain/errors.ts";
import { isUuid } from "../../domain/ids.ts";
import { addEnvFlags } from "../env-flags.ts";
import { readConfig } from "../serve.ts";

/** Longest name and owner; an owner must fit a namespace label of the store. */
const NAME_CHARS_MAX = 150;

export function addKeysCommand(program: Command): Command {
  const keys = program.command("keys").description("Makes, lists and revokes API keys (for HOLDFAST_API_KEYS=1).");
  const flags = (command: Command): Command =>
    addEnvFlags(command, ["HOLDFAST_CONFIG", "DATABASE_URL", "HOLDFAST_DATA_DIR"]).showHelpAfterError();
  flags(
    keys
      .command("create <name>")
      .description("Makes a key and prints it, this once.")
      .option("--owner <owner>", "Whose things the key makes and sees; keys of one owner share. Default: the name.")
      .addOption(
        new Option("--scope <scopes...>", "What it may do: *, admin, threads, threads:read, ...").default(["*"], "*"),
      ),
  ).action(createKey);
  flags(keys.command("list").description("Lists the keys, newest first; never the keys themselves.")).action(listKeys);
  flags(keys.command("revoke <id>").description("Ends a key at once.")).action(revokeKey);
  return keys;
}

async function createKey(name: string, options: Record<string, unknown>): Promise<void> {
  const owner = typeof options.owner === "string" ? options.owner : name;
  const scopes = options.scope as string[];
  for (const [what, text] of Object.entries({ name, owner })) requireText(what, text);
  for (const scope of scopes) {
    if (!SCOPE_PATTERN.test(scope)) {
      throw new ConfigurationError(
        `--scope: ${JSON.stringify(scope)} must be *, admin, a resource (assistants, threads, store, crons), or one with an ` +
          "action, such as threads:read.",
      );
    }
  }
  const config = await readConfig(options, false);
  const { key, apiKey } = await administerKeys(config, log, (keys) => keys.createKey({ name, owner, scopes }));
  console.log(key);
  console.error(`holdfast: key ${apiKey.keyId} of ${owner}. It is not shown again. Send it as x-api-key.`);
  if (!config.auth.hasApiKeys) console.error("holdfast: set HOLDFAST_API_KEYS=1 so that the server asks for keys.");
}

async function listKeys(options: Record<string, unknown>): Promise<void> {
  const found = await administerKeys(await readConfig(options, false), log, (keys) => keys.listKeys());
  const rows = [["id", "name", "owner", "scopes", "created", "last used", "revoked"], ...found.map(describeKey)];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    );
}

async function revokeKey(keyId: string, options: Record<string, unknown>): Promise<void> {
  const config = await readConfig(options, false);
  const isRevoked = isUuid(keyId) && (await administerKeys(config, log, (keys) => keys.revokeKey(keyId)));
  if (!isRevoked) throw new ConfigurationError(`There is no key ${JSON.stringify(keyId)} to revoke.`);
  console.log(`Revoked ${keyId}.`);
}

function describeKey({ keyId, name, owner, scopes, createdAt, lastUsedAt, revokedAt }: ApiKey): string[] {
  const times = [createdAt, lastUsedAt, revokedAt].map((time) => time?.toISOString() ?? "-");
  return [keyId, name, owner, scopes.join(","), ...times];
}

function requireText(what: string, text: string): void {
  if (text.trim() === "" || text.length > NAME_CHARS_MAX || /\p{Cc}/u.test(text)) {
    throw new ConfigurationError(`The ${what} must be 1 to ${NAME_CHARS_MAX} characters of text.`);
  }
}

function log(message: string): void {
  console.error(`holdfast: ${message}`);
}
