// The part of `holdfast doctor` that asks the configured model's provider whether it is there.
import type { Config } from "../config/config.ts";
import type { Finding } from "./doctor-checks.ts";

const ANSWER_MAX_MS = 5_000;
const TOPIC = "Model";

/** Asks for the provider's list of models: costs nothing, and proves address and key. */
export async function checkModel(config: Config): Promise<Finding> {
  const { model, reason } = config.models;
  const [provider, name] = splitModel(model);
  switch (provider) {
    case "demo":
      return { level: "ok", topic: TOPIC, text: `demo (${reason})` };
    case "openai":
      return checkOpenai(config, model);
    case "anthropic":
      return checkAnthropic(config, model);
    case "ollama":
      return checkOllama(config, model, name);
    default:
      return {
        level: "fail",
        topic: TOPIC,
        text: `MODEL is ${JSON.stringify(model)}, which names no known provider`,
        remedy: "Set MODEL to openai:NAME, anthropic:NAME, ollama:NAME or demo.",
      };
  }
}

async function checkOpenai({ models, secrets }: Config, model: string): Promise<Finding> {
  const baseUrl = models.openaiBaseUrl ?? "https://api.openai.com/v1";
  if (secrets.openaiApiKey === undefined && models.openaiBaseUrl === undefined) {
    return missingKey(model, "OPENAI_API_KEY");
  }
  const headers: Record<string, string> =
    secrets.openaiApiKey === undefined ? {} : { authorization: `Bearer ${secrets.openaiApiKey}` };
  return ask(model, `${trimSlash(baseUrl)}/models`, headers, "OPENAI");
}

async function checkAnthropic({ models, secrets }: Config, model: string): Promise<Finding> {
  if (secrets.anthropicApiKey === undefined) {
    return missingKey(model, "ANTHROPIC_API_KEY");
  }
  const baseUrl = models.anthropicBaseUrl ?? "https://api.anthropic.com";
  const headers = { "x-api-key": secrets.anthropicApiKey, "anthropic-version": "2023-06-01" };
  return ask(model, `${trimSlash(baseUrl)}/v1/models`, headers, "ANTHROPIC");
}

async function checkOllama({ models }: Config, model: string, name: string): Promise<Finding> {
  const host = models.ollamaHost ?? "127.0.0.1:11434";
  const address = /^https?:\/\//.test(host) ? host : `http://${host.includes(":") ? host : `${host}:11434`}`;
  const finding = await ask(model, `${trimSlash(address)}/api/tags`, {}, "OLLAMA");
  if (finding.level !== "ok") {
    return { ...finding, remedy: `Start it with "ollama serve", or correct OLLAMA_HOST (${address}).` };
  }
  const { models: pulled = [] } = (await (await fetch(`${trimSlash(address)}/api/tags`)).json()) as {
    models?: { name: string }[];
  };
  const isPulled = pulled.some((each) => each.name === name || each.name === `${name}:latest`);
  return isPulled
    ? finding
    : {
        level: "fail",
        topic: TOPIC,
        text: `${model}: ${address} does not have it`,
        remedy: `Run: ollama pull ${name}`,
      };
}

async function ask(model: string, url: string, headers: Record<string, string>, provider: string): Promise<Finding> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_MAX_MS) });
    await response.body?.cancel();
    if (response.status === 401 || response.status === 403) {
      return {
        level: "fail",
        topic: TOPIC,
        text: `${model}: ${url} refuses the key (${response.status})`,
        remedy: `Correct ${provider}_API_KEY.`,
      };
    }
    if (response.status >= 500) {
      return {
        level: "warn",
        topic: TOPIC,
        text: `${model}: ${url} answers ${response.status}`,
        remedy: "Try again later, or ask the provider.",
      };
    }
    return { level: "ok", topic: TOPIC, text: `${model}: ${new URL(url).origin} answers` };
  } catch (error) {
    const { cause } = error as { cause?: Error };
    return {
      level: "fail",
      topic: TOPIC,
      text: `${model}: ${url} cannot be reached (${cause?.message || (error as Error).message})`,
      remedy: `Check the network and ${provider}_BASE_URL, or set MODEL=demo to work offline.`,
    };
  }
}

function missingKey(model: string, variable: string): Finding {
  return {
    level: "fail",
    topic: TOPIC,
    text: `${model} needs a key`,
    remedy: `Set ${variable}, or MODEL=demo to work offline.`,
  };
}

function splitModel(model: string): [provider: string, name: string] {
  const separator = model.indexOf(":");
  return separator < 0 ? [model, ""] : [model.slice(0, separator), model.slice(separator + 1)];
}

function trimSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
