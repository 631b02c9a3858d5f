// Running one SQL statement or one transaction: bound parameters, and values PostgreSQL cannot store told to the client as such.
import type { ClientBase, Pool, PoolClient } from "pg";
import { InvalidRequestError } from "../domain/errors.ts";
import { isUnstorableText } from "./pg-errors.ts";

/** A pool or one of its clients. */
export type Queryable = Pick<Pool, "query"> | Pick<ClientBase, "query">;

/** Collects the values of a statement that is put together from parts; every value is bound, none is written into the text. */
export class Parameters {
  readonly values: unknown[];

  /** @param values values bound already, by a part written before; copied. */
  constructor(values: readonly unknown[] = []) {
    this.values = [...values];
  }

  /** Binds a value and returns its placeholder. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** Binds any JSON value as jsonb (arrays and texts too, which the driver would bind as something else). */
  addJson(value: unknown): string {
    return `${this.add(JSON.stringify(value))}::jsonb`;
  }
}

/** SQLSTATE codes for a number or time out of range (22003, 22008, 22015) and a JSON text or key that is too long (54000). */
const VALUE_LIMIT_CODES = new Set(["22003", "22008", "22015", "54000"]);

/**
 * Rows of one statement.
 * @param name prepares the statement once per connection; only for texts that never change.
 * @throws InvalidRequestError for a value that PostgreSQL cannot store.
 */
export async function execute<Row>(db: Queryable, text: string, values: unknown[] = [], name?: string): Promise<Row[]> {
  try {
    const result = await db.query({ name, text, values });
    return result.rows as Row[];
  } catch (error) {
    throw isUnstorableText(error) || isBeyondValueLimit(error) ? refuseValue(error as Error) : error;
  }
}

function isBeyondValueLimit(error: unknown): boolean {
  return error instanceof Error && "code" in error && VALUE_LIMIT_CODES.has(String(error.code));
}

function refuseValue(cause: Error): InvalidRequestError {
  return new InvalidRequestError(`The request holds a value that PostgreSQL cannot store: ${cause.message}.`, {
    cause,
  });
}

/**
 * Runs `work` in one transaction on one connection; commits when it returns, rolls back when it throws.
 * `repeatable read` gives all statements one snapshot, for copies that must be consistent.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  isolation: "read committed" | "repeatable read" = "read committed",
): Promise<T> {
  const client = await pool.connect();
  let isBroken = false;
  try {
    await client.query(`begin isolation level ${isolation}`);
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    // A connection that cannot even roll back is closed rather than handed to the next caller mid-transaction.
    await client.query("rollback").catch(() => {
      isBroken = true;
    });
    throw error;
  } finally {
    client.release(isBroken);
  }
}
