// `webhooks` of a project file: defaults at home and elsewhere, headers from variables, and what stops the start.
import { expect, test } from "vitest";
import { buildConfig } from "./config.ts";
import { parseEnv } from "./env.ts";
import type { ProjectFileContent } from "./project-file-schema.ts";
import { readWebhookSettings } from "./webhook-settings.ts";

type Webhooks = ProjectFileContent["webhooks"];

/** How a header refers to a variable. */
const variable = (name: string) => `$\{{ env.${name} }}`;

function settingsFor(webhooks: Webhooks, env: Record<string, string> = {}, place = { isDev: true, host: "127.0.0.1" }) {
  const content = { graphs: { agent: "./a.ts:graph" }, webhooks };
  const project = {
    file: "/p/langgraph.json",
    dir: "/p",
    isBuiltIn: false,
    graphs: {},
    env: {},
    content,
    warnings: [],
  };
  const config = buildConfig(parseEnv({ HOST: place.host }), project, { cwd: "/p", isDev: place.isDev });
  return readWebhookSettings(config, env);
}

test.each([
  [{ isDev: true, host: "127.0.0.1" }, true],
  [{ isDev: true, host: "0.0.0.0" }, false],
  [{ isDev: false, host: "127.0.0.1" }, false],
])("by default this machine and private networks are for %j: %s", (place, isAtHome) => {
  expect(settingsFor(undefined, {}, place).rules).toEqual({
    isEnabled: true,
    allowedDomains: undefined,
    allowedPorts: undefined,
    isHttpsRequired: false,
    isLoopbackAllowed: isAtHome,
    isPrivateAllowed: isAtHome,
    isOwnPathAllowed: false,
    urlCharsMax: 4_096,
  });
});

test("disable_loopback decides for itself, both ways", () => {
  expect(settingsFor({ url: { disable_loopback: true } }).rules).toMatchObject({ isLoopbackAllowed: false });
  const elsewhere = { isDev: false, host: "0.0.0.0" };
  expect(settingsFor({ url: { disable_loopback: false } }, {}, elsewhere).rules).toMatchObject({
    isLoopbackAllowed: true,
    isOwnPathAllowed: true,
    isPrivateAllowed: false,
  });
});

test("headers take variables with the prefix, and only these", () => {
  const headers = { Authorization: `Bearer ${variable("LG_WEBHOOK_TOKEN")}`, "x-plain": "as it is" };
  expect(settingsFor({ headers }, { LG_WEBHOOK_TOKEN: "t0p" }).headers).toEqual({
    authorization: "Bearer t0p",
    "x-plain": "as it is",
  });
  const own = {
    env_prefix: "HOOK_",
    headers: { a: `${variable("HOOK_A")}-${variable("HOOK_B").replaceAll(" ", "")}` },
  };
  expect(settingsFor(own, { HOOK_A: "1", HOOK_B: "2" }).headers).toEqual({ a: "1-2" });
});

test.each([
  [{ headers: { a: variable("LG_WEBHOOK_MISSING") } }, "LG_WEBHOOK_MISSING is not set"],
  [{ headers: { a: variable("DATABASE_URL") } }, "DATABASE_URL does not begin with LG_WEBHOOK_"],
  [{ headers: { "a b": "x" } }, "HTTP does not allow this header"],
  [{ headers: { a: "x\r\ny: z" } }, "HTTP does not allow this header"],
])("%j stops the start", (webhooks, message) => {
  expect(() => settingsFor(webhooks, { DATABASE_URL: "secret" })).toThrow(message);
});
