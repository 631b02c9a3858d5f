// How near two embeddings are: in plain SQL on arrays of numbers, and with the operators of pgvector.

/** As LangGraph's store configuration names them. */
export type VectorDistance = "cosine" | "l2" | "inner_product";

export interface VectorSpace {
  /** Length of the vectors; those of another length belong to another model and are left out. */
  dims: number;
  distance: VectorDistance;
}

/** The most that HNSW indexes take of pgvector's types `vector` and `halfvec`. */
const VECTOR_DIMS_MAX = 2_000;
const HALFVEC_DIMS_MAX = 4_000;

const OPERATORS: Record<VectorDistance, string> = { cosine: "<=>", l2: "<->", inner_product: "<#>" };
const OPERATOR_CLASSES: Record<VectorDistance, string> = { cosine: "cosine", l2: "l2", inner_product: "ip" };

/** Larger is nearer; `a` are the components of a row's vector, `b` those of the query's, which is of length 1 where the angle counts. */
const PLAIN_SCORES: Record<VectorDistance, string> = {
  cosine: "sum(u.a * u.b) / nullif(sqrt(sum(u.a * u.a)), 0)",
  inner_product: "sum(u.a * u.b)",
  l2: "-sqrt(sum((u.a - u.b) * (u.a - u.b)))",
};

/** Vectors of the space among the rows `v`. */
export function isOfSpace({ dims }: VectorSpace): string {
  return `cardinality(v.embedding) = ${dims}`;
}

/** The best score of item `i`, without any extension. */
export function plainBestScore(space: VectorSpace, queryVector: string): string {
  return `select max(p.score) as score from store_vector v cross join lateral (
      select (${PLAIN_SCORES[space.distance]})::double precision as score
      from unnest(v.embedding, ${queryVector}::real[]) as u (a, b)
    ) p where v.namespace = i.namespace and v.key = i.key and ${isOfSpace(space)}`;
}

/** The same by pgvector; the case keeps vectors of another length from its type. */
export function vectorBestScore(space: VectorSpace, queryVector: string): string {
  const score = scoreOfDistance(space, distanceTo(space, queryVector));
  return `select max(case when ${isOfSpace(space)} then ${score} end) as score from store_vector v
    where v.namespace = i.namespace and v.key = i.key`;
}

/** The distance of row `v` from the query, in the very form that the index is made of. */
export function distanceTo(space: VectorSpace, queryVector: string): string {
  const type = typeOf(space);
  return `(${indexed(space)} ${OPERATORS[space.distance]} ${queryVector}::real[]::${type})`;
}

/** Larger is nearer. */
export function scoreOfDistance({ distance }: VectorSpace, sql: string): string {
  // A vector of length 0 has no angle.
  return distance === "cosine" ? `nullif(1 - ${sql}, 'NaN')` : `- ${sql}`;
}

/** Whether an HNSW index can hold such vectors. */
export function isIndexable({ dims }: VectorSpace): boolean {
  return dims <= HALFVEC_DIMS_MAX;
}

export function indexName({ dims, distance }: VectorSpace): string {
  return `${INDEX_PREFIX}${dims}_${OPERATOR_CLASSES[distance]}`;
}

export const INDEX_PREFIX = "store_vector_hnsw_";

/** @param build options of HNSW; pgvector's own where unset */
export function createIndexSql(space: VectorSpace, build: { m?: number; efConstruction?: number }): string {
  const options = [
    ...(build.m === undefined ? [] : [`m = ${build.m}`]),
    ...(build.efConstruction === undefined ? [] : [`ef_construction = ${build.efConstruction}`]),
  ];
  const kind = space.dims <= VECTOR_DIMS_MAX ? "vector" : "halfvec";
  const operatorClass = `${kind}_${OPERATOR_CLASSES[space.distance]}_ops`;
  return `create index concurrently if not exists ${indexName(space)} on store_vector
    using hnsw ((${indexed(space, "embedding")}) ${operatorClass})
    ${options.length === 0 ? "" : `with (${options.join(", ")})`} where cardinality(embedding) = ${space.dims}`;
}

function typeOf({ dims }: VectorSpace): string {
  return dims <= VECTOR_DIMS_MAX ? `vector(${dims})` : `halfvec(${dims})`;
}

function indexed(space: VectorSpace, column = "v.embedding"): string {
  return `${column}::${typeOf(space)}`;
}
