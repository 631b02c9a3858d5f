// Keeps the schemas that were read off graphs' types.
import type { Pool } from "pg";
import type { GraphSchemaRepository, KeptSchemas } from "../domain/ports/graph-schemas.ts";
import { execute } from "./statement.ts";

/** Every change of a graph's file keeps new ones: older ones go then. One that is still wanted is read off again, once. */
const KEPT_DAYS = 30;

export class PostgresGraphSchemaRepository implements GraphSchemaRepository {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async findSchemas(key: string): Promise<KeptSchemas | undefined> {
    const rows = await execute<KeptSchemas>(this.#pool, "select schemas, sources from graph_schema where key = $1", [
      key,
    ]);
    return rows[0];
  }

  async keepSchemas(key: string, { schemas, sources }: KeptSchemas): Promise<void> {
    await execute(
      this.#pool,
      `with aged_out as (
         delete from graph_schema where key <> $1 and created_at < now() - ${KEPT_DAYS} * interval '1 day'
       )
       insert into graph_schema (key, schemas, sources) values ($1, $2, $3)
       on conflict (key) do update set schemas = excluded.schemas, sources = excluded.sources, created_at = now()`,
      [key, JSON.stringify(schemas), JSON.stringify(sources)],
    );
  }
}
