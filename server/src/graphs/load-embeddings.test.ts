// Embedding models by file and export, and what is said when they cannot be had.
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ConfigurationError, GraphLoadError } from "../domain/errors.ts";
import { loadEmbeddings } from "./load-embeddings.ts";

const options = { projectDir: fileURLToPath(new URL("./testing-graphs", import.meta.url)), dims: 8 };

test.each(["./embeddings.ts:embed", "embeddings.ts:embed", "./embeddings.ts:instance"])("%s", async (embed) => {
  const embeddings = await loadEmbeddings(embed, options);
  expect(await embeddings.embedQuery("bad")).toEqual([1, 1, 0, 1, 0, 0, 0, 0]);
  expect(await embeddings.embedDocuments(["a", "bb"])).toEqual([
    [1, 0, 0, 0, 0, 0, 0, 0],
    [0, 2, 0, 0, 0, 0, 0, 0],
  ]);
});

test("what is neither function nor Embeddings is refused", async () => {
  await expect(loadEmbeddings("./embeddings.ts:nothing", options)).rejects.toThrow(ConfigurationError);
  await expect(loadEmbeddings("./embeddings.ts:missing", options)).rejects.toThrow("must export missing");
  await expect(loadEmbeddings("./nowhere.ts:embed", options)).rejects.toThrow(GraphLoadError);
});
