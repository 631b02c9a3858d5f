// What the project file says about the API, for the doors: `http.*`.
import type { Config } from "../config/config.ts";
import { resolveScript } from "../config/script-source.ts";
import { readThreadRetention } from "../config/thread-retention.ts";
import { omitUndefined } from "../domain/json.ts";
import { importModule } from "../graphs/import-module.ts";
import { readCustomApp } from "../http/custom-routes.ts";
import { DEFAULT_CONFIGURABLE_HEADERS, type HeaderChoice, headerChooser } from "../http/header-choice.ts";
import type { CorsSettings, CustomRoutes, HttpSettings } from "../http/http-services.ts";
import { OPERATION_GROUPS } from "../http/operation-groups.ts";

type ProjectHttp = NonNullable<Config["project"]["content"]["http"]>;

/** @throws ConfigurationError, GraphLoadError when `http.app` cannot be loaded */
export async function createHttpSettings(config: Config): Promise<HttpSettings> {
  const http = config.project.content.http ?? {};
  const configurable = http.configurable_headers;
  return omitUndefined<HttpSettings>({
    requestBodyBytesMax: config.limits.requestBodyBytesMax,
    streamBufferBytesMax: config.limits.streamBufferBytesMax,
    heartbeatIntervalMs: config.http.heartbeatIntervalMs,
    defaultThreadTtl: readThreadRetention(config.project.content).defaultTtl,
    cors: http.cors && toCorsSettings(http.cors),
    configurableHeaders: headerChooser(configurable ? toHeaderChoice(configurable) : DEFAULT_CONFIGURABLE_HEADERS),
    loggingHeaders: http.logging_headers && headerChooser(toHeaderChoice(http.logging_headers)),
    disabledGroups: new Set(OPERATION_GROUPS.filter((group) => http[`disable_${group}`] === true)),
    mountPrefix: http.mount_prefix?.replace(/\/+$/, "") || undefined,
    customRoutes: http.app === undefined ? undefined : await loadCustomRoutes(config, http.app, http),
  });
}

async function loadCustomRoutes(config: Config, path: string, http: ProjectHttp): Promise<CustomRoutes> {
  const { file, exportName } = resolveScript(config.project.file, "http.app", path);
  const exports = await importModule(file, { projectDir: config.project.dir, revision: 0 });
  return {
    app: readCustomApp(await exports[exportName], `${file}:${exportName}`),
    isGuarded: http.enable_custom_route_auth === true,
    isAuthFirst: http.middleware_order === "auth_first",
  };
}

function toCorsSettings(cors: NonNullable<ProjectHttp["cors"]>): CorsSettings {
  return omitUndefined<CorsSettings>({
    allowOrigins: cors.allow_origins,
    allowOriginRegex: cors.allow_origin_regex,
    allowMethods: cors.allow_methods,
    allowHeaders: cors.allow_headers,
    allowCredentials: cors.allow_credentials,
    exposeHeaders: cors.expose_headers,
    maxAgeSeconds: cors.max_age,
  });
}

/** Both spellings are in use. */
function toHeaderChoice(choice: NonNullable<ProjectHttp["logging_headers"]>): HeaderChoice {
  return {
    includes: choice.includes ?? choice.include ?? [],
    excludes: choice.excludes ?? choice.exclude ?? [],
  };
}
