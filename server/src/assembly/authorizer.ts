// Puts together who decides on access: the project's Auth object, the server's own credentials, or nobody.
import { readAuthHandlers } from "../auth/auth-handlers.ts";
import { Credentials } from "../auth/credentials.ts";
import { HandlerAuthorizer } from "../auth/handler-authorizer.ts";
import { OpenAuthorizer } from "../auth/open-authorizer.ts";
import { OwnerAuthorizer } from "../auth/owner-authorizer.ts";
import type { Config } from "../config/config.ts";
import { ConfigurationError } from "../domain/errors.ts";
import type { ApiKeyRepository } from "../domain/ports/api-key-repository.ts";
import type { Authorizer } from "../domain/ports/authorizer.ts";
import { importModule } from "../graphs/import-module.ts";

/** @throws ConfigurationError when strangers could use the API and nobody said that this is meant */
export function refuseOpenDoor({ auth }: Config): void {
  if (auth.refusal !== undefined) throw new ConfigurationError(auth.refusal);
}

/** @throws ConfigurationError when nobody could be let in, GraphLoadError when the project's Auth object cannot be loaded */
export async function createAuthorizer(config: Config, apiKeys: ApiKeyRepository): Promise<Authorizer> {
  const { isOpen, handlers: source, hasApiKeys, jwt, isStudioAllowed } = config.auth;
  if (isOpen) return new OpenAuthorizer();
  const credentials = new Credentials({ apiKeys: hasApiKeys ? apiKeys : undefined, jwt });
  if (source === undefined) return new OwnerAuthorizer({ credentials, isStudioAllowed });
  const { file, exportName } = source;
  const where = `${file}:${exportName}`;
  const exports = await importModule(file, { projectDir: config.project.dir, revision: 0 });
  const handlers = readAuthHandlers(await exports[exportName], where);
  if (handlers.authenticate === undefined && !hasApiKeys && jwt === undefined) {
    throw new ConfigurationError(
      `auth.path: ${where} has no authenticate handler, and neither HOLDFAST_API_KEYS nor HOLDFAST_JWT_JWKS_URL is set: ` +
        "nobody could be let in.",
    );
  }
  return new HandlerAuthorizer({
    handlers,
    authenticate: (request) => credentials.authenticate(request),
    isStudioAllowed,
  });
}
