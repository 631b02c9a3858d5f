// React's useStream of the newest client in a real browser, from another origin: streaming, interrupts, a reload amid a run, stop.
import { afterAll, beforeAll, expect, test } from "vitest";
import { useServer } from "../harness/sdk-test.ts";
import { type ChatSite, HAS_BROWSER, openChatSite, say, shownOn, untilShown, WAIT_MAX_MS } from "./chat-site.ts";
import type { Shown } from "./page.ts";

const TEST_MAX_MS = 120_000;
const server = useServer({ graphs: ["talk", "ask", "ask_many"] });
let site: ChatSite | undefined;

beforeAll(async () => {
  if (HAS_BROWSER) site = await openChatSite();
}, TEST_MAX_MS);
afterAll(() => site?.[Symbol.asyncDispose]());

const openPage = (assistant: string, threadId?: string) => site!.open(server.url, assistant, threadId);
const browserTest = (name: string, body: () => Promise<void>) => test.skipIf(!HAS_BROWSER)(name, body, TEST_MAX_MS);

browserTest("Text grows token by token, turn after turn, and each message is shown once", async () => {
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

browserTest("A tool call is shown with its result", async () => {
  const page = await openPage("talk");
  await say(page, "look up tides", 0);
  const { messages } = await untilShown(page, ({ isLoading, messages }) => !isLoading && messages.length === 4);
  expect(messages.map(({ type }) => type)).toEqual(["human", "ai", "tool", "ai"]);
  expect(messages[2]!.text).toBe("found tides");
  await page.close();
});

browserTest("An interrupt is shown and answered; a page opened meanwhile shows it too", async () => {
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

browserTest("A page that is loaded again amid a run goes on with it", async () => {
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

browserTest("Stop cancels the run, and the next message is answered", async () => {
  const page = await openPage("talk");
  await say(page, "a b c d e f g h i j", 400);
  const { threadId } = await untilShown(page, ({ messages }) => messages.length === 2);
  await page.evaluate(() => window.chat.stream.stop());
  await untilShown(page, ({ isLoading }) => !isLoading);
  const status = async () => (await (await fetch(`${server.url}/threads/${threadId}/runs`)).json())[0].status;
  await expect.poll(status, { timeout: WAIT_MAX_MS }).toBe("interrupted");
  await say(page, "again", 0);
  await untilShown(page, (shown) => !shown.isLoading && shown.messages.some(({ text }) => text === "You said: again"));
  await page.close();
});

browserTest("Two questions asked at once are answered in one go", async () => {
  const page = await openPage("ask_many");
  await page.evaluate(() => void window.chat.stream.submit({ answers: [] } as never));
  await untilShown(page, ({ isLoading, interrupts }) => !isLoading && interrupts.length === 2);
  await page.evaluate(() => {
    const { interrupts, respondAll } = window.chat.stream;
    void respondAll(Object.fromEntries(interrupts.map(({ id, value }) => [id, `to ${value}`])));
  });
  const isAnswered = (shown: Shown) =>
    !shown.isLoading && shown.interrupts.length === 0 && (shown.values.answers as string[])?.length === 2;
  const { values, error } = await untilShown(page, isAnswered);
  expect(error).toBeUndefined();
  expect((values.answers as string[]).sort()).toEqual(["left: to left?", "right: to right?"]);
  await page.close();
});

browserTest("A message is asked again from the checkpoint before it: the answer after it is another", async () => {
  const page = await openPage("talk");
  for (const [turn, text] of ["first", "second"].entries()) {
    await say(page, text, 0);
    await untilShown(page, ({ isLoading, messages }) => !isLoading && messages.length === 2 * (turn + 1));
  }
  await page.evaluate(async () => {
    const { stream } = window.chat;
    const history = await stream.client.threads.getHistory(stream.threadId!);
    const before = history.find(({ metadata, values }) => {
      return metadata?.source === "input" && (values as { messages: unknown[] }).messages.length === 2;
    });
    const forkFrom = before?.checkpoint.checkpoint_id;
    if (!forkFrom) throw new Error("no checkpoint before the message");
    void stream.submit({ messages: [{ type: "human", content: "other" }] } as never, { forkFrom });
  });
  const isForked = ({ isLoading, messages }: Shown) => !isLoading && messages.at(-1)?.text === "You said: other";
  const { messages, threadId } = await untilShown(page, isForked);
  expect(messages.map(({ text }) => text)).not.toContain("You said: second");
  const other = await openPage("talk", threadId!);
  const shown = await untilShown(other, (each) => each.messages.length === 4);
  expect(shown.messages.map(({ text }) => text)).toEqual(["first", "You said: first", "other", "You said: other"]);
  await Promise.all([page.close(), other.close()]);
});

browserTest("Runs that the page's client creates wait for each other and are told token by token", async () => {
  const page = await openPage("talk");
  await say(page, "a b c d e f", 200);
  const { threadId } = await untilShown(page, ({ messages }) => messages.length === 2);
  for (const content of ["one two three", "four"]) {
    await page.evaluate(
      async ([thread, text]) => {
        const config = { configurable: { token_ms: 60 } };
        const input = { messages: [{ type: "human", content: text }] };
        await window.chat.stream.client.runs.create(thread!, "talk", { input, config, multitaskStrategy: "enqueue" });
      },
      [threadId, content] as const,
    );
  }
  const { messages } = await untilShown(page, (each) => !each.isLoading && each.messages.length === 6);
  expect(messages.map(({ text }) => text)).toEqual(
    ["a b c d e f", "one two three", "four"].flatMap((text) => [text, `You said: ${text}`]),
  );
  const lengths = (await shownOn(page)).map((shown) => shown.messages[3]?.text.length ?? 0);
  expect(new Set(lengths).size).toBeGreaterThan(3);
  await page.close();
});

browserTest("A page that changes to another thread and back shows each thread's own messages", async () => {
  const first = await openPage("talk");
  await say(first, "here", 0);
  const { threadId } = await untilShown(first, ({ isLoading, messages }) => !isLoading && messages.length === 2);
  await first.close();
  const page = await openPage("talk", threadId!);
  await untilShown(page, ({ messages }) => messages.length === 2);
  await page.evaluate(() => window.chat.switchThread(null));
  await untilShown(page, ({ messages }) => messages.length === 0);
  await say(page, "there", 0);
  await untilShown(page, ({ isLoading, messages }) => !isLoading && messages.at(-1)?.text === "You said: there");
  await page.evaluate((id) => window.chat.switchThread(id), threadId);
  const back = await untilShown(page, ({ messages }) => messages.length === 2 && messages[0]?.text === "here");
  expect(back.threadId).toBe(threadId);
  await page.close();
});
