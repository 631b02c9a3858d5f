// Components for agents' messages (`ui` of the project file): built, served, and shown by LangGraph's own loader in a real browser.
import { afterAll, expect, test } from "vitest";
import { useServer } from "../harness/sdk-test.ts";
import { startTestServer } from "../harness/test-server.ts";
import { type ChatSite, HAS_BROWSER, openChatSite, WAIT_MAX_MS } from "./chat-site.ts";

const content = { ui: { cards: "./cards.tsx", broken: "./nowhere.tsx" } };
const server = useServer({ graphs: ["ask"], content });
let site: ChatSite | undefined;
afterAll(() => site?.[Symbol.asyncDispose]());

const load = (agent: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/ui/${agent}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

test.skipIf(!HAS_BROWSER)(
  "a component is loaded from the server, rendered with its properties, and answers clicks",
  async () => {
    site = await openChatSite({ page: "components-page.ts", isReady: () => document.body.children.length > 0 });
    const page = await site.open(server.url, "cards");
    const button = page.getByRole("button");
    await button.waitFor({ timeout: WAIT_MAX_MS });
    expect(await button.textContent()).toBe("Sunny in Ulm, asked 0 times");
    await button.click();
    expect(await button.textContent()).toBe("Sunny in Ulm, asked 1 times");
    await page.close();
  },
  120_000,
);

test("the snippet names script and component by the address that was asked", async () => {
  const response = await load("cards", { name: "weather" });
  expect(response.headers.get("content-type")).toContain("text/html");
  const html = await response.text();
  expect(html).toContain(`<script src="${server.url}/ui/cards/entrypoint.js"`);
  expect(html).toContain("__LGUI_cards.render(&quot;weather&quot;, &quot;{{shadowRootId}}&quot;)");
  const behindProxy = await (await load("cards", { name: "weather" }, { "x-forwarded-host": "agents.example" })).text();
  expect(behindProxy).toContain('<script src="//agents.example/ui/cards/entrypoint.js"');
  const script = await fetch(`${server.url}/ui/cards/entrypoint.js`);
  expect(script.headers.get("content-type")).toContain("text/javascript");
  expect(await script.text()).toContain("__LGUI_cards");
}, 60_000);

test("neither a name nor a host can break out of the snippet", async () => {
  const name = `x'></script><script>alert(1)</script>"`;
  const html = await (await load("cards", { name }, { "x-forwarded-host": `evil"><script>` })).text();
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).not.toContain("alert(1)</script>");
  expect(html).not.toContain("evil");
});

test("what is not there is 404; what does not build, and a body without a name, are 422 with words", async () => {
  expect((await load("nobody", { name: "weather" })).status).toBe(404);
  expect((await load("__proto__", { name: "weather" })).status).toBe(404);
  expect((await fetch(`${server.url}/ui/cards/secrets.txt`)).status).toBe(404);
  const broken = await load("broken", { name: "weather" });
  expect(broken.status).toBe(422);
  expect(await broken.text()).toContain("do not build");
  expect((await load("cards", {})).status).toBe(422);
}, 60_000);

test("without ui, or with http.disable_ui, the paths do not exist", async () => {
  for (const each of [{}, { ...content, http: { disable_ui: true } }]) {
    await using other = await startTestServer({ graphs: ["ask"], content: each });
    expect((await fetch(`${other.url}/ui/cards/entrypoint.js`)).status).toBe(404);
  }
});
