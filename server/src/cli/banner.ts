// What a person sees when the server is up.
import type { Config } from "../config/config.ts";

/** Facts of a started process that are not in its configuration. */
export interface BannerFacts {
  /** Unset for a process without an API. */
  readonly address: string | undefined;
  readonly databaseDescription: string;
  /** What runs runs here, in words. */
  readonly workers: string;
  readonly version: string;
}

/** Plain text, columns aligned, no colours: the same on a terminal and in a log. */
export function formatBanner(config: Config, facts: BannerFacts): string {
  const graphIds = Object.keys(config.project.graphs).join(", ");
  const lines: [label: string, value: string][] = [];
  if (facts.address !== undefined) {
    lines.push(["API", facts.address], ["API docs", `${facts.address}/docs`], ["Access", describeAccess(config)]);
  }
  lines.push(
    ["Graphs", `${graphIds} (${config.project.isBuiltIn ? "built in" : config.project.file})`],
    ["Database", facts.databaseDescription],
  );
  // Other people's graphs choose their models themselves; MODEL may mean nothing to them.
  if (config.project.isBuiltIn) {
    lines.push(["Model", `${config.models.model} (${config.models.reason})`]);
  }
  lines.push(
    ["Workers", facts.workers],
    ["Stop", "Ctrl+C: runs in flight finish or are handed on; a second Ctrl+C stops at once"],
  );
  const width = Math.max(...lines.map(([label]) => label.length));
  const rows = lines.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
  return [`Holdfast ${facts.version}`, ...rows, ""].join("\n");
}

function describeAccess({ auth }: Config): string {
  if (auth.isOpen) return "open to everybody who reaches the address: no authentication is configured";
  const ways = [
    ...(auth.handlers === undefined ? [] : [`the handlers in ${auth.handlers.file}`]),
    ...(auth.hasApiKeys ? ["API keys"] : []),
    ...(auth.jwt === undefined ? [] : ["JSON Web Tokens"]),
  ];
  return `by ${ways.join(" and ")}${auth.isStudioAllowed ? "; Studio without any" : ""}`;
}
