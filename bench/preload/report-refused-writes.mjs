// Loaded into a worker with --import: prints a line for each fenced write that PostgreSQL answered with nothing stored,
// which is how a test knows that a stale worker really tried to write.
import pg from "pg";

/** Statements that store something under a fence, and how many rows say that everything was stored. */
function rowsExpected({ name, values }) {
  if (name === "append_events" || name === "end_run" || name === "release_run") return 1;
  // In the other mode an operation may only have been put off, because its thread's row was locked.
  if (name?.startsWith("holdfast_write_wait")) return values[0].length;
  return 0;
}

const query = pg.Client.prototype.query;
pg.Client.prototype.query = function reportingQuery(statement, ...rest) {
  if (typeof statement?.name !== "string" || rowsExpected(statement) === 0) return query.call(this, statement, ...rest);
  const look = (result) => {
    if (result.rows.length < rowsExpected(statement)) process.stderr.write(`[refused write] ${statement.name}\n`);
  };
  const callback = rest.findIndex((argument) => typeof argument === "function");
  if (callback !== -1) {
    const answer = rest[callback];
    rest[callback] = (error, result) => {
      if (!error) look(result);
      answer(error, result);
    };
    return query.call(this, statement, ...rest);
  }
  const pending = query.call(this, statement, ...rest);
  return pending.then((result) => {
    look(result);
    return result;
  });
};
