// Shows how PostgreSQL answers each request: the statements a server process runs for it, and their plans.
import { createApp, loadConfig } from "@holdfast/server";
import pg from "pg";
import type { Shape } from "./shapes.ts";

export interface ShapePlan {
  shape: Shape;
  /** One for each statement that reads a table of threads, runs, assistants, crons or items. */
  plans: string[];
}

interface Statement {
  text: string;
  values: unknown[];
}

/** Lists of ids go on and on. */
const LINE_LENGTH_MAX = 200;
const TABLES = /\bfrom (thread|run|assistant|cron|store_item)\b/;

/**
 * Runs an API in this process, for only here can its statements be seen.
 * @param env its settings
 * @param request sends the shape's request to an address and fails unless it is answered with 200
 */
export async function explainShapes(
  databaseUrl: string,
  shapes: Shape[],
  env: Record<string, string>,
  request: (url: string, shape: Shape) => Promise<void>,
): Promise<ShapePlan[]> {
  const statements: Statement[] = [];
  using _recording = recordStatements(statements);
  Object.assign(process.env, env);
  await using app = await createApp(await loadConfig(), { api: true, worker: false });
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const found: ShapePlan[] = [];
  try {
    for (const shape of shapes) {
      statements.length = 0;
      await request(app.address!, shape);
      const asked = statements.filter(({ text }) => TABLES.test(text));
      if (asked.length === 0) throw new Error(`no statement was seen for: ${shape.name}`);
      const plans: string[] = [];
      for (const { text, values } of asked) plans.push(await explain(client, text, values));
      found.push({ shape, plans });
    }
  } finally {
    await client.end();
  }
  return found;
}

async function explain(client: pg.Client, text: string, values: unknown[]): Promise<string> {
  const { rows } = await client.query<{ "QUERY PLAN": string }>(
    `explain (analyze, buffers, costs off, summary off) ${text}`,
    values,
  );
  const lines = rows.map((row) => row["QUERY PLAN"]);
  const planning = lines.indexOf("Planning:");
  const shown = planning === -1 ? lines : lines.slice(0, planning);
  return shown
    .filter((line) => !line.includes("Index Searches:"))
    .map((line) => (line.length > LINE_LENGTH_MAX ? `${line.slice(0, LINE_LENGTH_MAX)}...` : line))
    .join("\n");
}

/** Keeps every statement that any connection of this process sends, until disposed. */
function recordStatements(into: Statement[]): Disposable {
  const original = pg.Client.prototype.query;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [first] = args as [string | Statement];
    if (typeof first === "object" && "values" in first) into.push({ text: first.text, values: first.values ?? [] });
    return Reflect.apply(original, this, args);
  } as typeof original;
  return {
    [Symbol.dispose]() {
      pg.Client.prototype.query = original;
    },
  };
}
