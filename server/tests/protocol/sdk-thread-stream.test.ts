// The newest official client's thread streams, over both of its transports.
import { randomUUID } from "node:crypto";
import { Client } from "@langchain/langgraph-sdk";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { useServer } from "../harness/sdk-test.ts";

const server = useServer({ graphs: ["talk", "ask", "ask_many", "nested"] });

// biome-ignore lint/suspicious/noExplicitAny: what a state holds depends on the graph
type Values = any;

const TRANSPORTS = ["sse", "websocket"] as const;

function openThread(transport: (typeof TRANSPORTS)[number], assistantId: string, threadId: string = randomUUID()) {
  const client = new Client({ apiUrl: server.url, apiKey: null, callerOptions: { maxRetries: 0 } });
  return client.threads.stream(threadId, {
    assistantId,
    transport,
    webSocketFactory: (url: string) => new WebSocket(url) as unknown as globalThis.WebSocket,
  });
}

for (const transport of TRANSPORTS) {
  test(`Text streams token by token, and the output is the final state (${transport})`, async () => {
    const thread = openThread(transport, "talk");
    const texts: string[] = [];
    const messages = (async () => {
      for await (const message of thread.messages) {
        for await (const piece of message.text) texts.push(piece);
        if (texts.length >= 4) return;
      }
    })();
    await thread.run.start({ input: { messages: [{ role: "user", content: "a b" }] } });
    await messages;
    expect(texts).toEqual(["You ", "said: ", "a ", "b"]);
    const output = (await thread.output) as Values;
    expect(output.messages).toHaveLength(2);
    await thread.close();
  });

  test(`An interrupt is heard of and answered, one and several at once (${transport})`, async () => {
    for (const [assistantId, count] of [
      ["ask", 1],
      ["ask_many", 2],
    ] as const) {
      const thread = openThread(transport, assistantId);
      await thread.run.start({ input: { answers: [] } });
      await expect.poll(() => thread.interrupts.length, { timeout: 15_000 }).toBe(count);
      await expect.poll(() => thread.interrupted, { timeout: 15_000 }).toBe(true);
      const responses = thread.interrupts.map(({ interruptId, namespace }) => ({
        namespace,
        interrupt_id: interruptId,
        response: "Ada",
      }));
      await thread.input.respond(count === 1 ? responses[0]! : { responses });
      const isAnswered = async () => {
        const { values } = (await thread.state.get({ namespace: [] })) as Values;
        return values.answers.filter((answer: string) => answer.includes("Ada")).length;
      };
      await expect.poll(isAnswered, { timeout: 15_000 }).toBe(count);
      await thread.close();
    }
  });

  test(`Subgraphs show up with their own events, tools with input and output (${transport})`, async () => {
    const nested = openThread(transport, "nested");
    const names: string[] = [];
    const discovering = (async () => {
      for await (const subgraph of nested.subgraphs) {
        names.push(subgraph.name);
        if (subgraph.name === "gp_two") return;
      }
    })();
    await nested.run.start({ input: { trail: [] } });
    await discovering;
    expect(names).toContain("gp_two");
    await nested.close();

    const talk = openThread(transport, "talk");
    const calling = (async () => {
      for await (const call of talk.toolCalls) return { name: call.name, output: await call.output };
      return undefined;
    })();
    await talk.run.start({ input: { messages: [{ role: "user", content: "look up tides" }] } });
    const call = await calling;
    expect(call?.name).toBe("look_up");
    expect(JSON.stringify(call?.output)).toContain("found tides");
    await talk.close();
  });

  test(`A second client on the thread sees what was and what comes (${transport})`, async () => {
    const threadId = randomUUID();
    const first = openThread(transport, "talk", threadId);
    await first.run.start({ input: { messages: [{ role: "user", content: "one" }] } });
    await first.output;
    const second = openThread(transport, "talk", threadId);
    // A subscription of the client pauses at each run's end, so it is asked for anew.
    const watch = async () => {
      const seen: string[] = [];
      for await (const event of await second.subscribe({ channels: ["lifecycle"] })) {
        if (event.params.namespace.length === 0) seen.push((event.params.data as Values).event);
        if (seen.length === 4) break;
      }
      return seen;
    };
    expect(await watch()).toEqual(["running", "completed"]);
    await first.run.start({ input: { messages: [{ role: "user", content: "two" }] } });
    await first.output;
    // The client replays on one stream what it heard on another, so only what it heard counts.
    expect((await watch()).sort()).toEqual(["completed", "completed", "running", "running"]);
    await Promise.all([first.close(), second.close()]);
  });
}
