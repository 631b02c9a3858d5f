// Queries that wait out a database that is away: a run in flight goes on after a restart of PostgreSQL instead of failing.
import type { Pool } from "pg";
import { DatabaseUnavailableError } from "../domain/errors.ts";
import { bindCipher, cipherOf } from "./content/cipher-of.ts";

const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 1_000;

/** Longest time one query waits for the database. What comes back too late is refused by the fence. */
const PATIENCE_MS = 60_000;

/**
 * The pool with a `query` that is repeated while the database is away. Only for statements that are safe to repeat after a
 * commit whose answer was lost.
 */
export function patientPool(pool: Pool): Pick<Pool, "query"> {
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
  const patientQuery = async (...args: unknown[]): Promise<unknown> => {
    const deadlineMs = Date.now() + PATIENCE_MS;
    for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
      try {
        return await query(...args);
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError) || Date.now() + pauseMs > deadlineMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  };
  const patient = { query: patientQuery as Pool["query"] };
  bindCipher(patient, cipherOf(pool));
  return patient;
}
