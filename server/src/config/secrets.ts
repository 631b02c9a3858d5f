// What must never reach a log line, a banner or an error message.
import type { EncryptionKey } from "../domain/encryption-key.ts";
import { ENV_VARIABLES } from "./env-variables.ts";

/** Names of the variables whose values are secret. */
export const SECRET_NAMES: readonly string[] = Object.entries(ENV_VARIABLES)
  .filter(([, variable]) => variable.isSecret)
  .map(([name]) => name);

/** Passwords and keys, apart from the rest of the configuration so that it can be printed whole. */
export interface Secrets {
  /** Connection URL with password; `undefined` for the embedded database. */
  readonly databaseUrl: string | undefined;
  /** The same database without a pooler in between; `undefined` where `databaseUrl` has none. */
  readonly directDatabaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  /** The first encrypts what is stored, all decrypt; empty for no encryption. */
  readonly encryptionKeys: readonly EncryptionKey[];
  readonly openaiApiKey: string | undefined;
  readonly anthropicApiKey: string | undefined;
}

/** The URL with its password and the secrets in its query taken out. */
export function hidePassword(url: string): string {
  if (!URL.canParse(url)) {
    return "(hidden)";
  }
  const parsed = new URL(url);
  parsed.password &&= "***";
  for (const name of ["password", "sslpassword"]) {
    if (parsed.searchParams.has(name)) {
      parsed.searchParams.set(name, "***");
    }
  }
  return parsed.href;
}
