// Opens the chat page in a real browser: bundles it, serves it from an origin of its own, and waits for what it shows.
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import type { Shown } from "./page.ts";

/** Debian's place for it. */
const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
export const HAS_BROWSER = existsSync(CHROMIUM);
export const WAIT_MAX_MS = 30_000;

export interface ChatSite extends AsyncDisposable {
  /** Opens the page on a thread, or on none yet, and waits until it has read the thread's state. */
  open(serverUrl: string, assistant: string, threadId?: string): Promise<Page>;
}

export interface ChatSiteOptions {
  /** File of the page. @default "page.ts" */
  page?: string;
  /** Packages that stand in for others in the page. */
  alias?: Record<string, string>;
  /** Condition in the page that says that it has read the thread's state. */
  isReady?: () => boolean;
}

export async function openChatSite(options: ChatSiteOptions = {}): Promise<ChatSite> {
  const { page: file = "page.ts", alias = {}, isReady = () => window.chat?.stream.isThreadLoading === false } = options;
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    alias,
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const script = bundle.outputFiles[0]!.text;
  const site = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : '<!doctype html><body></body><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  return {
    async open(serverUrl, assistant, threadId) {
      const page = await browser.newPage();
      const { port } = site.address() as AddressInfo;
      const query = new URLSearchParams({ server: serverUrl, assistant, ...(threadId ? { thread: threadId } : {}) });
      await page.goto(`http://127.0.0.1:${port}/?${query}`);
      await page.waitForFunction(isReady);
      return page;
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      site.close();
    },
  };
}

/** Everything the page has shown so far. */
export function shownOn(page: Page): Promise<Shown[]> {
  return page.evaluate(() => window.chat.shown);
}

/** Waits until the page shows something. */
export async function untilShown(page: Page, isThere: (shown: Shown) => boolean): Promise<Shown> {
  const latest = async () => (await shownOn(page)).at(-1)!;
  await expect
    .poll(async () => isThere(await latest()), { timeout: WAIT_MAX_MS, interval: 50 })
    .toBe(true)
    .catch(async (error: unknown) => {
      throw new Error(`the page shows ${JSON.stringify(await latest())}`, { cause: error });
    });
  return latest();
}

/** Sends a message; `tokenMs` is the pause before each word of the answer. */
export function say(page: Page, content: string, tokenMs: number): Promise<void> {
  return page.evaluate(
    ([text, pause]) => {
      const input = { messages: [{ type: "human", content: text }] };
      void window.chat.stream.submit(input as never, { config: { configurable: { token_ms: pause } } });
    },
    [content, tokenMs] as const,
  );
}
