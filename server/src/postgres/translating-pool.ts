// A pool whose errors speak the catalogue's language: a database that is away, or text that it cannot store.
import pg from "pg";
import { DatabaseUnavailableError, InvalidRequestError } from "../domain/errors.ts";
import { isDatabaseUnavailable, isUnstorableText } from "./pg-errors.ts";

/** The catalogued error for what the driver reported; anything else stays as it is. */
export function translateError(error: unknown): unknown {
  if (isDatabaseUnavailable(error)) {
    return new DatabaseUnavailableError("The database cannot be reached at the moment. Try again shortly.", {
      cause: error,
    });
  }
  if (isUnstorableText(error)) {
    return new InvalidRequestError(
      "The request contains text that cannot be stored: the character U+0000 or half of a surrogate pair.",
      {
        cause: error,
      },
    );
  }
  return error;
}

type AnyQuery = (...args: unknown[]) => unknown;

/** Translates the errors of promise-style queries, of connecting, and of queries on clients taken from the pool. */
export class TranslatingPool extends pg.Pool {
  // biome-ignore lint/suspicious/noExplicitAny: the driver's overloads cannot be restated; arguments pass through unchanged.
  override query(...args: any[]): any {
    return translateRejection((super.query as AnyQuery)(...args));
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above; pg-pool itself calls this with a callback.
  override connect(...args: any[]): any {
    const connecting = (super.connect as AnyQuery)(...args);
    if (!(connecting instanceof Promise)) return connecting;
    return connecting.then(translateClient, (error: unknown) => Promise.reject(translateError(error)));
  }
}

const TRANSLATED = Symbol("translated");

function translateClient(client: pg.PoolClient & { [TRANSLATED]?: true }): pg.PoolClient {
  if (client[TRANSLATED]) return client;
  const query = client.query.bind(client) as AnyQuery;
  client.query = ((...args: unknown[]) => translateRejection(query(...args))) as typeof client.query;
  client[TRANSLATED] = true;
  return client;
}

function translateRejection(result: unknown): unknown {
  return result instanceof Promise ? result.catch((error: unknown) => Promise.reject(translateError(error))) : result;
}
