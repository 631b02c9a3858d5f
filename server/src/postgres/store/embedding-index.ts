// Search by meaning: turns the texts of items and queries into vectors, of length 1 where only their angle counts.
import type { Embeddings } from "@langchain/core/embeddings";
import { BadRequestError } from "../../domain/errors.ts";
import type { NewStoreItem } from "../../domain/ports/store-repository.ts";
import { textsAtPath } from "./text-at-path.ts";
import type { VectorIndexOptions } from "./vector-index.ts";
import type { VectorDistance } from "./vector-space.ts";

/** How the store indexes items, from `store.index` of the project file. */
export interface EmbeddingIndexOptions {
  embeddings: Pick<Embeddings, "embedQuery" | "embedDocuments">;
  /** Length of the vectors; others are refused. */
  dims: number;
  /** @default ["$"], the whole value as one text */
  fields?: string[];
  /** What is near. @default "cosine" */
  distance?: VectorDistance;
  /** pgvector's index, where the database has the extension. */
  ann?: Pick<VectorIndexOptions, "kind" | "m" | "efConstruction" | "indexedFromCount" | "recheckMs">;
}

export class EmbeddingIndex {
  readonly #options: EmbeddingIndexOptions;

  constructor(options: EmbeddingIndexOptions) {
    this.#options = options;
  }

  /** Vectors of each item's texts, all embedded in one call. */
  async embedItems(items: NewStoreItem[]): Promise<number[][][]> {
    const texts = items.map((item) => this.#texts(item));
    const flat = texts.flat();
    const vectors = flat.length === 0 ? [] : await this.#options.embeddings.embedDocuments(flat);
    let taken = 0;
    return texts.map((ofItem) => ofItem.map(() => this.#toVector(vectors[taken++])));
  }

  async embedQuery(query: string): Promise<number[]> {
    return this.#toVector(await this.#options.embeddings.embedQuery(query));
  }

  #texts(item: NewStoreItem): string[] {
    if (item.index === false) return [];
    const paths = item.index ?? this.#options.fields ?? ["$"];
    return paths.flatMap((path) => textsAtPath(item.value, path)).filter((text) => text !== "");
  }

  #toVector(vector: number[] | undefined): number[] {
    if (vector?.length !== this.#options.dims) {
      throw new BadRequestError(
        `The embeddings of the store's index have ${vector?.length ?? 0} dimensions, its configuration says ${this.#options.dims}.`,
      );
    }
    if ((this.#options.distance ?? "cosine") !== "cosine") return vector;
    const length = Math.hypot(...vector);
    return length === 0 ? vector : vector.map((component) => component / length);
  }
}
