// The gate to models as rows: one short statement a turn or a failure; whether a model is well is asked at most once a second.
import type { Pool } from "pg";
import type { ModelGate } from "../domain/ports/model-gate.ts";
import { execute } from "./statement.ts";

const SECONDS_PER_MINUTE = 60;
/** How old what a process knows of a model may be: the time within which all leave a failing model alone. */
const KNOWN_MS = 1_000;
/** Models a process remembers. */
const KNOWN_MAX = 1_000;

/** Turns are evenly spaced; those who come after a pause may take up to a tenth of a minute's at once. */
const TAKE_TURN = `with turn as (select make_interval(secs => $2::float8) as every, make_interval(secs => $3::float8) as burst)
  insert into model_gate as g (model, next_call_at) select $1, now() + every from turn
  on conflict (model) do update set updated_at = now(),
    next_call_at = greatest(g.next_call_at, now()) + (select every from turn)
  returning extract(epoch from next_call_at - (select every + burst from turn) - now())::float8 * 1000 as wait_ms`;

/** The one that finds the time over moves it on, so that the others go on waiting for its outcome. */
const TRY_CALL = `update model_gate set open_until = now() + interval '30 seconds', updated_at = now()
  where model = $1 and open_until <= now() returning model`;

interface Known {
  isOpen: boolean;
  hasFailures: boolean;
  readAt: number;
}

export class PostgresModelGate implements ModelGate {
  readonly #pool: Pick<Pool, "query">;
  readonly #known = new Map<string, Known>();

  constructor(pool: Pick<Pool, "query">) {
    this.#pool = pool;
  }

  async takeTurn(model: string, perMinuteMax: number): Promise<number> {
    const everySeconds = SECONDS_PER_MINUTE / perMinuteMax;
    const burstSeconds = (Math.max(1, Math.floor(perMinuteMax / 10)) - 1) * everySeconds;
    const values = [model, everySeconds, burstSeconds];
    const [row] = await execute<{ wait_ms: number }>(this.#pool, TAKE_TURN, values, "take_model_turn");
    return Math.max(0, row!.wait_ms);
  }

  async mayCall(model: string): Promise<boolean> {
    const known = await this.#read(model);
    if (!known.isOpen) return true;
    const taken = await execute(this.#pool, TRY_CALL, [model], "try_model_call");
    return taken.length > 0;
  }

  async recordFailure(model: string, { failuresMax, openMs }: { failuresMax: number; openMs: number }): Promise<void> {
    await execute(
      this.#pool,
      `insert into model_gate as g (model, failure_count, open_until)
         values ($1, 1, case when $2::int <= 1 then now() + $3::float8 * interval '1 millisecond' end)
       on conflict (model) do update set failure_count = g.failure_count + 1, updated_at = now(),
         open_until = case when g.failure_count + 1 >= $2::int then now() + $3::float8 * interval '1 millisecond'
           else g.open_until end`,
      [model, failuresMax, openMs],
      "record_model_failure",
    );
    this.#known.delete(model);
  }

  /** Nothing is written for a model of which no failure is known. */
  async recordSuccess(model: string): Promise<void> {
    const known = this.#known.get(model);
    if (known !== undefined && !known.hasFailures) return;
    await execute(
      this.#pool,
      `update model_gate set failure_count = 0, open_until = null, updated_at = now()
       where model = $1 and (failure_count > 0 or open_until is not null)`,
      [model],
      "record_model_success",
    );
    this.#remember(model, { isOpen: false, hasFailures: false, readAt: Date.now() });
  }

  /** It is of this process alone: no copy of a run's configuration that leaves it carries it along. */
  toJSON(): undefined {
    return undefined;
  }

  async #read(model: string): Promise<Known> {
    const before = this.#known.get(model);
    if (before !== undefined && Date.now() - before.readAt < KNOWN_MS) return before;
    const [row] = await execute<{ is_open: boolean; has_failures: boolean }>(
      this.#pool,
      "select open_until is not null as is_open, failure_count > 0 as has_failures from model_gate where model = $1",
      [model],
      "read_model_gate",
    );
    const known = { isOpen: row?.is_open ?? false, hasFailures: row?.has_failures ?? false, readAt: Date.now() };
    this.#remember(model, known);
    return known;
  }

  #remember(model: string, known: Known): void {
    if (this.#known.size >= KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(model, known);
  }
}
