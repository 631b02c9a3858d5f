// `webhooks` of the project file, made ready: where notices may go, and the headers they carry.
import { validateHeaderName, validateHeaderValue } from "node:http";
import { ConfigurationError } from "../domain/errors.ts";
import type { WebhookRules } from "../domain/webhook.ts";
import type { Config } from "./config.ts";
import { copyEnv, type EnvText } from "./env.ts";
import { isLoopbackHost } from "./loopback-host.ts";

/** Only variables that begin so may stand in headers, so that no other secret leaves by mistake. */
const ENV_PREFIX_DEFAULT = "LG_WEBHOOK_";
const URL_CHARS_MAX_DEFAULT = 4_096;

/** `${{ env.NAME }}` */
const ENV_REFERENCE = /\$\{\{\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g;

export interface WebhookSettings {
  readonly rules: WebhookRules;
  /** May hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * @param env where headers take variables from. @default the process environment
 * @throws ConfigurationError for a variable that is missing or may not be used, and for a header that HTTP does not allow
 */
export function readWebhookSettings(
  { isDev, http, project }: Pick<Config, "isDev" | "http" | "project">,
  env: EnvText = copyEnv(),
): WebhookSettings {
  const { webhooks, http: httpContent } = project.content;
  const url = webhooks?.url;
  // A developer's own machine: the receiver usually runs beside the server.
  const isAtHome = isDev && isLoopbackHost(http.host);
  const prefix = webhooks?.env_prefix ?? ENV_PREFIX_DEFAULT;
  const headers = Object.entries(webhooks?.headers ?? {}).map(([name, value]) => {
    const where = `The project file ${project.file} is wrong:\n  webhooks.headers.${name}:`;
    return [name.toLowerCase(), checkHeader(where, name, fillIn(where, value, prefix, env))];
  });
  return {
    rules: {
      isEnabled: httpContent?.disable_webhooks !== true,
      allowedDomains: url?.allowed_domains,
      allowedPorts: url?.allowed_ports,
      isHttpsRequired: url?.require_https ?? false,
      isLoopbackAllowed: url?.disable_loopback === undefined ? isAtHome : !url.disable_loopback,
      isPrivateAllowed: isAtHome,
      isOwnPathAllowed: url?.disable_loopback === false,
      urlCharsMax: url?.max_url_length ?? URL_CHARS_MAX_DEFAULT,
    },
    headers: Object.fromEntries(headers),
  };
}

function fillIn(where: string, text: string, prefix: string, env: EnvText): string {
  return text.replaceAll(ENV_REFERENCE, (_reference, name: string) => {
    if (!name.startsWith(prefix)) {
      throw new ConfigurationError(`${where} ${name} does not begin with ${prefix} (webhooks.env_prefix).`);
    }
    const value = env[name];
    if (value === undefined || value === "") {
      throw new ConfigurationError(`${where} the environment variable ${name} is not set.`);
    }
    return value;
  });
}

function checkHeader(where: string, name: string, value: string): string {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch (cause) {
    // Without the value, which may be secret.
    throw new ConfigurationError(`${where} HTTP does not allow this header.`, { cause });
  }
  return value;
}
