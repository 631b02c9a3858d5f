// Embedding models by one string, asked over the wire formats of OpenAI and Ollama.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createEmbeddings } from "./create-embeddings.ts";

interface Received {
  path: string;
  body: { model: string; input: string | string[]; dimensions?: number };
}

/** Answers every request for embeddings with vectors that tell the texts apart: [length, dimensions asked for]. */
async function startProvider(): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text) as Received["body"];
    received.push({ path: request.url ?? "", body });
    const vectors = [body.input].flat().map((each) => [each.length, body.dimensions ?? 0]);
    const isOpenAi = request.url === "/v1/embeddings";
    response.setHeader("content-type", "application/json");
    const data = vectors.map((embedding, index) => ({ object: "embedding", index, embedding }));
    response.end(JSON.stringify(isOpenAi ? { object: "list", data } : { embeddings: vectors }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

test("OpenAI's models are asked for the wanted dimensions where they can shorten theirs", async () => {
  const { url, received } = await startProvider();
  const env = { openaiBaseUrl: `${url}/v1` };
  const short = await createEmbeddings("openai:text-embedding-3-small", { dimensions: 2, env });
  expect(await short.embedDocuments(["a", "bcd"])).toEqual([
    [1, 2],
    [3, 2],
  ]);
  const fixed = await createEmbeddings("openai:text-embedding-ada-002", { dimensions: 2, env });
  expect(await fixed.embedQuery("ab")).toEqual([2, 0]);
  expect(received.map(({ path, body }) => [path, body.model])).toEqual([
    ["/v1/embeddings", "text-embedding-3-small"],
    ["/v1/embeddings", "text-embedding-ada-002"],
  ]);
});

test("Ollama's models are found by OLLAMA_HOST", async () => {
  const { url, received } = await startProvider();
  const embeddings = await createEmbeddings("ollama:nomic-embed-text:v1.5", { env: { ollamaHost: url } });
  expect(await embeddings.embedDocuments(["abc"])).toEqual([[3, 0]]);
  expect(received[0]!.body.model).toBe("nomic-embed-text:v1.5");
});

test.each([
  ["openai:text-embedding-3-small", "OPENAI_API_KEY"],
  ["anthropic:claude", 'no embedding models here; use "openai:…" or "ollama:…"'],
  ["cohere:embed", 'Unknown model provider "cohere"'],
  ["ollama:", "names a provider but no model"],
])("%s is refused with what to do", async (spec, message) => {
  await expect(createEmbeddings(spec, { env: {} })).rejects.toThrow(message);
});
