// React's useStream of both lines of the SDK in a real browser: what front ends from before the event protocol do.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useServer } from "../harness/sdk-test.ts";
import { type ChatSite, HAS_BROWSER, openChatSite, WAIT_MAX_MS } from "./chat-site.ts";
import type { LegacyShown } from "./legacy-page.ts";

const TEST_MAX_MS = 120_000;
const server = useServer({ graphs: ["talk", "ask"] });

const LINES: Record<string, Record<string, string>> = {
  "1.15.0": {},
  "2.0.0": { "@langchain/langgraph-sdk": "@langchain/langgraph-sdk-2" },
};

async function untilShown(page: Page, isThere: (shown: LegacyShown) => boolean): Promise<LegacyShown> {
  const latest = () => page.evaluate(() => window.legacy?.shown.at(-1));
  await expect
    .poll(async () => ((await latest()) ?? undefined) !== undefined && isThere((await latest())!), {
      timeout: WAIT_MAX_MS,
      interval: 50,
    })
    .toBe(true)
    .catch(async (error: unknown) => {
      throw new Error(`the page shows ${JSON.stringify(await latest())}`, { cause: error });
    });
  return (await latest())!;
}

function say(page: Page, content: string, tokenMs: number): Promise<void> {
  return page.evaluate(
    ([text, pause]) => {
      const input = { messages: [{ type: "human", content: text }] };
      const config = { configurable: { token_ms: pause } };
      void window.legacy.stream.submit(input as never, { config, streamResumable: true });
    },
    [content, tokenMs] as const,
  );
}

const textsOf = ({ messages }: LegacyShown) => messages.map(({ text }) => text);
const isDoneWith = (count: number) => (shown: LegacyShown) => !shown.isLoading && shown.messages.length === count;

describe.each(Object.keys(LINES))("SDK %s", (line) => {
  let site: ChatSite | undefined;
  beforeAll(async () => {
    if (!HAS_BROWSER) return;
    const isReady = () => window.legacy !== undefined;
    site = await openChatSite({ page: "legacy-page.ts", alias: LINES[line]!, isReady });
  }, TEST_MAX_MS);
  afterAll(() => site?.[Symbol.asyncDispose]());
  const browserTest = (name: string, body: () => Promise<void>) => test.skipIf(!HAS_BROWSER)(name, body, TEST_MAX_MS);

  browserTest("tokens, a reload amid the run that goes on with it, and a stop", async () => {
    const page = await site!.open(server.url, "talk");
    const words = Array.from({ length: 20 }, (_, index) => `w${index}`).join(" ");
    await say(page, words, 150);
    await untilShown(page, ({ messages }) => messages[1]?.text.includes("w2") === true);
    await page.reload();
    await untilShown(page, ({ isLoading, messages }) => isLoading && messages[1]?.text.includes("w4") === true);
    const whole = await untilShown(page, isDoneWith(2));
    expect(textsOf(whole)).toEqual([words, `You said: ${words}`]);
    expect(whole.error).toBeUndefined();
    await say(page, "a b c d e f g h", 400);
    await untilShown(page, ({ messages }) => messages.length === 4);
    await page.evaluate(() => void window.legacy.stream.stop());
    await untilShown(page, ({ isLoading }) => !isLoading);
    const status = async () => (await (await fetch(`${server.url}/threads/${whole.threadId}/runs`)).json())[0].status;
    await expect.poll(status, { timeout: WAIT_MAX_MS }).toBe("interrupted");
    await page.close();
  });

  browserTest("a question is shown and answered", async () => {
    const page = await site!.open(server.url, "ask");
    await page.evaluate(() => void window.legacy.stream.submit({ answers: [] } as never));
    const { interrupt } = await untilShown(page, (shown) => !shown.isLoading && shown.interrupt !== undefined);
    expect(interrupt).toEqual({ question: "name?" });
    await page.evaluate(() => void window.legacy.stream.submit(undefined, { command: { resume: "Ada" } }));
    await untilShown(page, (shown) => !shown.isLoading && shown.interrupt === undefined);
    const values = await page.evaluate(() => window.legacy.stream.values as { answers?: string[] });
    expect(values.answers).toEqual(["before", 'asked: "Ada"', "after"]);
    await page.close();
  });

  browserTest(
    "a message is edited, the answers branch, and both branches can be looked at; then another thread",
    async () => {
      const page = await site!.open(server.url, "talk");
      await say(page, "first", 0);
      await untilShown(page, isDoneWith(2));
      await say(page, "second", 0);
      await untilShown(page, isDoneWith(4));
      await page.evaluate(() => {
        const { stream } = window.legacy;
        const checkpoint = stream.getMessagesMetadata(stream.messages[2]!, 2)?.firstSeenState?.parent_checkpoint;
        if (!checkpoint) throw new Error("no checkpoint before the message");
        void stream.submit({ messages: [{ type: "human", content: "other" }] } as never, { checkpoint });
      });
      const isForked = (shown: LegacyShown) =>
        !shown.isLoading &&
        shown.messages.at(-1)?.text === "You said: other" &&
        shown.messages[2]!.branches.length === 2;
      const forked = await untilShown(page, isForked);
      expect(textsOf(forked)).toEqual(["first", "You said: first", "other", "You said: other"]);
      expect(forked.historyCount).toBeGreaterThan(3);
      const [branch] = forked.messages[2]!.branches;
      await page.evaluate((name) => window.legacy.stream.setBranch(name!), branch);
      const earlier = await untilShown(page, ({ messages }) => messages.at(-1)?.text === "You said: second");
      expect(textsOf(earlier)).toEqual(["first", "You said: first", "second", "You said: second"]);
      await page.evaluate(() => window.legacy.switchThread(null));
      await untilShown(page, ({ messages }) => messages.length === 0);
      await page.evaluate((id) => window.legacy.switchThread(id), forked.threadId);
      // The client stays on the branch that was looked at.
      await untilShown(page, ({ messages }) => messages.at(-1)?.text === "You said: second");
      await page.close();
    },
  );
});
