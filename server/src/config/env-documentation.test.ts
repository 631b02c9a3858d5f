// Keeps .env.example and docs/configuration.md in step with the table of variables (update both with `vitest run -u`).
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parse } from "dotenv";
import { expect, test } from "vitest";
import { parseEnv } from "./env.ts";
import { ENV_GROUPS, ENV_VARIABLES } from "./env-variables.ts";

const ENV_EXAMPLE = fileURLToPath(new URL("../../../.env.example", import.meta.url));
const DOCUMENT = fileURLToPath(new URL("../../../docs/configuration.md", import.meta.url));
const SECTION = /(<!-- variables: .* -->\n)[\s\S]*?(<!-- \/variables -->)/;

function renderExample(): string {
  const lines = ["# Settings of Holdfast. Copy to .env and remove the # of those to change; every one is optional."];
  for (const [group, variables] of Object.entries(ENV_GROUPS)) {
    lines.push("", `# --- ${group} ---`);
    for (const [name, { description, allowed, defaultText }] of Object.entries(variables)) {
      const isComputed = defaultText.startsWith("(");
      const fallback = isComputed ? ` Default: ${defaultText.slice(1, -1)}.` : "";
      lines.push("", `# ${description} Allowed: ${allowed}.${fallback}`, `# ${name}=${isComputed ? "" : defaultText}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function renderTables(): string {
  const tables = Object.entries(ENV_GROUPS).map(([group, variables]) => {
    const rows = Object.entries(variables).map(([name, { description, allowed, defaultText, isSecret }]) => {
      const fallback =
        defaultText === "" ? "none" : defaultText.startsWith("(") ? defaultText.slice(1, -1) : `\`${defaultText}\``;
      return `| \`${name}\` | ${description}${isSecret ? " Secret: never shown." : ""} | ${allowed} | ${fallback} |`;
    });
    return [`### ${group}`, "", "| variable | meaning | allowed | default |", "|---|---|---|---|", ...rows].join("\n");
  });
  return `\n${tables.join("\n\n")}\n\n`;
}

test(".env.example lists every variable with its default", async () => {
  await expect(renderExample()).toMatchFileSnapshot(ENV_EXAMPLE);
});

test("docs/configuration.md lists every variable with its default", async () => {
  const document = await readFile(DOCUMENT, "utf8");
  expect(document).toMatch(SECTION);
  await expect(document.replace(SECTION, `$1${renderTables()}$2`)).toMatchFileSnapshot(DOCUMENT);
});

test("the example with every line switched on is a valid configuration of nothing but defaults", async () => {
  const example = parse((await readFile(ENV_EXAMPLE, "utf8")).replaceAll(/^# ([A-Z][A-Z_]*=)/gm, "$1"));
  expect(Object.keys(example).sort()).toEqual(Object.keys(ENV_VARIABLES).sort());
  expect(parseEnv(example)).toEqual(parseEnv({}));
});
