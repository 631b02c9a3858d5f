// The part of `holdfast doctor` that says which addresses a deployment talks to: for those who must talk to none outside.
import { isIP } from "node:net";
import type { Config } from "../config/config.ts";
import { hasEnv } from "../config/env.ts";
import type { Finding } from "./doctor-checks.ts";

const TOPIC = "Addresses";

type Reach = "this machine" | "private network" | "outside";

interface Contact {
  what: string;
  host: string;
  reach: Reach;
}

const TRACING_SWITCHES = ["LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"];

/** Everything that the configuration names; what tools and graphs call by themselves, nobody but them can know. */
export function checkAddresses(config: Config): Finding {
  const contacts = listContacts(config);
  const outside = contacts.filter(({ reach }) => reach === "outside");
  const listed = contacts.map(({ what, host, reach }) => `${what}: ${host} (${reach})`);
  const summary =
    outside.length === 0
      ? "none outside; the server's own parts work offline"
      : `${outside.length} outside: ${outside.map(({ what }) => what).join(", ")}`;
  return { level: "ok", topic: TOPIC, text: [summary, ...listed].join("\n") };
}

function listContacts(config: Config): Contact[] {
  const { secrets, models, auth } = config;
  const urls: [string, string | undefined][] = [
    ["database", secrets.databaseUrl],
    ["database, direct", secrets.directDatabaseUrl],
    ["Redis", secrets.redisUrl],
    ["model", modelUrl(models)],
    ["embeddings", embeddingsUrl(config)],
    ["keys of JWTs", auth.jwt?.jwksUrl],
    ["LangSmith tracing", TRACING_SWITCHES.some(hasEnv) ? "https://api.smith.langchain.com" : undefined],
  ];
  return urls.flatMap(([what, url]) => {
    const host = url === undefined ? undefined : hostOf(url);
    return host === undefined ? [] : [{ what, host, reach: reachOf(host) }];
  });
}

function modelUrl({ model, openaiBaseUrl, anthropicBaseUrl, ollamaHost }: Config["models"]): string | undefined {
  switch (model.split(":")[0]) {
    case "openai":
      return openaiBaseUrl ?? "https://api.openai.com";
    case "anthropic":
      return anthropicBaseUrl ?? "https://api.anthropic.com";
    case "ollama":
      return ollamaHost ?? "127.0.0.1:11434";
    default:
      return undefined;
  }
}

function embeddingsUrl({ project, models }: Config): string | undefined {
  const [provider = ""] = (project.content.store?.index?.embed ?? "").split(":");
  return ["openai", "ollama"].includes(provider) ? modelUrl({ ...models, model: provider }) : undefined;
}

/** Of a URL, of `host:port`, or of a connection URL whose host is in its query (a socket's folder). */
function hostOf(url: string): string | undefined {
  // Of such a URL the part before may be empty, which no parser of URLs takes.
  const [, inQuery] = /[?&]host=([^&]+)/.exec(url) ?? [];
  if (inQuery !== undefined) return decodeURIComponent(inQuery);
  const text = url.includes("://") ? url : `http://${url}`;
  return URL.canParse(text) ? new URL(text).hostname.replace(/^\[|\]$/g, "") || "localhost" : undefined;
}

function reachOf(host: string): Reach {
  if (host.startsWith("/") || host === "localhost" || host.endsWith(".localhost")) return "this machine";
  if (isIP(host) === 4) {
    const [a = 0, b = 0] = host.split(".").map(Number);
    if (a === 127 || host === "0.0.0.0") return "this machine";
    const isPrivate =
      a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254);
    return isPrivate ? "private network" : "outside";
  }
  if (isIP(host) === 6) {
    if (host === "::1" || host === "::") return "this machine";
    return /^f[cd]|^fe[89ab]/i.test(host) ? "private network" : "outside";
  }
  // Names without a dot, and those of home and company networks, are not found in the public DNS.
  return !host.includes(".") || /\.(local|internal|lan|home\.arpa)$/i.test(host) ? "private network" : "outside";
}
