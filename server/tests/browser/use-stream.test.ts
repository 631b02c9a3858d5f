// React's useStream of the newest client in a real browser, from another origin: streaming, interrupts, a reload amid a run, stop.
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, type Page as BrowserPage, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useServer } from "../harness/sdk-test.ts";
import type { Shown } from "./page.ts";

/** Debian's place for it. */
const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
const WAIT_MAX_MS = 30_000;

describe.skipIf(!existsSync(CHROMIUM))(
  "useStream",
  () => {
    const server = useServer({ graphs: ["talk", "ask", "ask_many"] });
    let site: Server;
    let browser: Browser;

    beforeAll(async () => {
      const page = fileURLToPath(new URL("page.ts", import.meta.url));
      const bundle = await build({
        entryPoints: [page],
        bundle: true,
        write: false,
        format: "esm",
        platform: "browser",
        define: { "process.env.NODE_ENV": '"production"' },
      });
      const script = bundle.outputFiles[0]!.text;
      site = createServer((request, response) => {
        const isScript = request.url === "/page.js";
        response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
        response.end(isScript ? script : '<!doctype html><body></body><script type="module" src="/page.js"></script>');
      });
      await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      site?.close();
    });

    async function openPage(assistant: string, threadId?: string): Promise<BrowserPage> {
      const page = await browser.newPage();
      const { port } = site.address() as AddressInfo;
      const query = new URLSearchParams({ server: server.url, assistant, ...(threadId ? { thread: threadId } : {}) });
      await page.goto(`http://127.0.0.1:${port}/?${query}`);
      await page.waitForFunction(() => window.chat?.stream.isThreadLoading === false);
      return page;
    }

    const shownOn = (page: BrowserPage): Promise<Shown[]> => page.evaluate(() => window.chat.shown);
    const latestOn = async (page: BrowserPage) => (await shownOn(page)).at(-1)!;

    async function untilShown(page: BrowserPage, isThere: (shown: Shown) => boolean): Promise<Shown> {
      await expect
        .poll(async () => isThere(await latestOn(page)), { timeout: WAIT_MAX_MS, interval: 50 })
        .toBe(true)
        .catch(async (error: unknown) => {
          throw new Error(`the page shows ${JSON.stringify(await latestOn(page))}`, { cause: error });
        });
      return latestOn(page);
    }

    const say = (page: BrowserPage, content: string, tokenMs: number) =>
      page.evaluate(
        ([text, pause]) => {
          const input = { messages: [{ type: "human", content: text }] };
          void window.chat.stream.submit(input as never, { config: { configurable: { token_ms: pause } } });
        },
        [content, tokenMs] as const,
      );

    test("Text grows token by token, turn after turn, and each message is shown once", async () => {
      const page = await openPage("talk");
      for (const turn of [1, 2]) {
        await say(page, `one two three ${turn}`, 60);
        const isDone = ({ isLoading, messages }: Shown) => !isLoading && messages.length === 2 * turn;
        const { messages, error } = await untilShown(page, isDone);
        expect(error).toBeUndefined();
        expect(messages.map(({ type }) => type)).toEqual(Array(turn).fill(["human", "ai"]).flat());
        expect(messages.at(-1)!.text).toBe(`You said: one two three ${turn}`);
      }
      const answers = (await shownOn(page)).map(({ messages }) => messages[1]?.text ?? "");
      expect(new Set(answers).size).toBeGreaterThan(3);
      expect(answers).toEqual([...answers].sort((left, right) => left.length - right.length));
      await page.close();
    });

    test("A tool call is shown with its result", async () => {
      const page = await openPage("talk");
      await say(page, "look up tides", 0);
      const { messages } = await untilShown(page, ({ isLoading, messages }) => !isLoading && messages.length === 4);
      expect(messages.map(({ type }) => type)).toEqual(["human", "ai", "tool", "ai"]);
      expect(messages[2]!.text).toBe("found tides");
      await page.close();
    });

    test("An interrupt is shown and answered; a page opened meanwhile shows it too", async () => {
      const page = await openPage("ask");
      await page.evaluate(() => void window.chat.stream.submit({ answers: [] } as never));
      const { threadId } = await untilShown(page, ({ isLoading, interrupts }) => !isLoading && interrupts.length === 1);
      const other = await openPage("ask", threadId!);
      await untilShown(other, ({ interrupts }) => interrupts.length === 1);
      await page.evaluate(() => void window.chat.stream.respond("Ada"));
      const isAnswered = ({ values }: Shown) => JSON.stringify(values.answers ?? []).includes("Ada");
      await untilShown(page, (shown) => isAnswered(shown) && shown.interrupts.length === 0 && !shown.isLoading);
      // This line of the client does not know of answers that other pages give; it hears of the run.
      await untilShown(other, (shown) => isAnswered(shown) && !shown.isLoading);
      await Promise.all([page.close(), other.close()]);
    });

    test("A page that is loaded again amid a run goes on with it", async () => {
      const page = await openPage("talk");
      await say(page, Array.from({ length: 20 }, (_, index) => `w${index}`).join(" "), 150);
      const { threadId } = await untilShown(page, ({ messages }) => messages[1]?.text.includes("w2") === true);
      await page.close();
      const again = await openPage("talk", threadId!);
      await untilShown(again, ({ isLoading }) => isLoading);
      const { messages } = await untilShown(again, ({ isLoading, messages }) => !isLoading && messages.length === 2);
      expect(messages[1]!.text).toMatch(/^You said: w0 .* w19$/);
      await again.close();
    });

    test("Stop cancels the run, and the next message is answered", async () => {
      const page = await openPage("talk");
      await say(page, "a b c d e f g h i j", 400);
      const { threadId } = await untilShown(page, ({ messages }) => messages.length === 2);
      await page.evaluate(() => window.chat.stream.stop());
      await untilShown(page, ({ isLoading }) => !isLoading);
      const status = async () => (await (await fetch(`${server.url}/threads/${threadId}/runs`)).json())[0].status;
      await expect.poll(status, { timeout: WAIT_MAX_MS }).toBe("interrupted");
      await say(page, "again", 0);
      await untilShown(
        page,
        (shown) => !shown.isLoading && shown.messages.some(({ text }) => text === "You said: again"),
      );
      await page.close();
    });
  },
  120_000,
);
