// Where crons are kept; firing their ticks is a step of its own (cron-ticks.ts).
import type { Pool } from "pg";
import type { Cron, CronChanges, CronSortKey, NewCron } from "../domain/cron.ts";
import { NotFoundError } from "../domain/errors.ts";
import type { AccessFilter, Page, PageQuery } from "../domain/page.ts";
import type { CronQuery, CronRepository, FiredTicks, FireOptions } from "../domain/ports/cron-repository.ts";
import { accessCondition } from "./access-sql.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { CHANGE_COLUMNS, type CronRow, changeValues, toCron } from "./cron-row.ts";
import { countCrons, searchCrons } from "./cron-search.ts";
import { fireDueTicks } from "./cron-ticks.ts";
import { isForeignKeyViolation } from "./pg-errors.ts";
import type { DeleteRunCheckpoints } from "./run-end.ts";
import { execute, inTransaction, Parameters } from "./statement.ts";

const FIRST_CHANGE_PARAMETER = 5;

const CREATE = `
  insert into cron (cron_id, assistant_id, thread_id, user_id, ${CHANGE_COLUMNS.join(", ")})
  values ($1, $2, $3, $4, ${CHANGE_COLUMNS.map((_, index) => `$${index + FIRST_CHANGE_PARAMETER}`).join(", ")})
  on conflict (cron_id) do update set cron_id = excluded.cron_id
  returning *`;

const UPDATE = `
  update cron set updated_at = now(), ${CHANGE_COLUMNS.map((column, index) => `${column} = $${index + 2}`).join(", ")}
  where cron_id = $1 returning *`;

export class PostgresCronRepository implements CronRepository {
  readonly #pool: Pool;
  readonly #deleteCheckpoints: DeleteRunCheckpoints;

  /** @param deleteCheckpoints for ticks whose multitask strategy rolls other runs back */
  constructor(pool: Pool, deleteCheckpoints: DeleteRunCheckpoints) {
    this.#pool = pool;
    this.#deleteCheckpoints = deleteCheckpoints;
  }

  async createCron(cron: NewCron): Promise<Cron> {
    const values = [
      cron.cronId,
      cron.assistantId,
      cron.threadId,
      cron.userId,
      ...changeValues(cipherOf(this.#pool), cron),
    ];
    try {
      const rows = await execute<CronRow>(this.#pool, CREATE, values);
      return toCron(cipherOf(this.#pool), rows[0]!);
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new NotFoundError("The cron's thread or assistant does not exist any more");
    }
  }

  async findCron(cronId: string, access?: AccessFilter): Promise<Cron | undefined> {
    const parameters = new Parameters();
    const rows = await execute<CronRow>(
      this.#pool,
      `select * from cron c where ${oneCron(cronId, access, parameters)}`,
      parameters.values,
    );
    return rows[0] && toCron(cipherOf(this.#pool), rows[0]);
  }

  searchCrons(query: CronQuery & PageQuery<CronSortKey>, access?: AccessFilter): Promise<Page<Cron>> {
    return searchCrons(this.#pool, query, access);
  }

  countCrons(query: CronQuery, access?: AccessFilter): Promise<number> {
    return countCrons(this.#pool, query, access);
  }

  updateCron(cronId: string, change: (cron: Cron) => CronChanges, access?: AccessFilter): Promise<Cron> {
    return inTransaction(this.#pool, async (client) => {
      const parameters = new Parameters();
      const found = await execute<CronRow>(
        client,
        `select * from cron c where ${oneCron(cronId, access, parameters)} for no key update`,
        parameters.values,
      );
      if (found[0] === undefined) throw new NotFoundError("Cron not found");
      const cipher = cipherOf(client);
      const changes = changeValues(cipher, change(toCron(cipher, found[0])));
      const rows = await execute<CronRow>(client, UPDATE, [cronId, ...changes]);
      return toCron(cipher, rows[0]!);
    });
  }

  async deleteCron(cronId: string, access?: AccessFilter): Promise<void> {
    const parameters = new Parameters();
    const deleted = await execute(
      this.#pool,
      `delete from cron c where ${oneCron(cronId, access, parameters)} returning c.cron_id`,
      parameters.values,
    );
    if (deleted.length === 0) throw new NotFoundError("Cron not found");
  }

  fireDueTicks(options: FireOptions): Promise<FiredTicks> {
    return fireDueTicks(this.#pool, options, this.#deleteCheckpoints);
  }
}

function oneCron(cronId: string, access: AccessFilter, parameters: Parameters): string {
  return `c.cron_id = ${parameters.add(cronId)}::uuid and ${accessCondition(access, "c.metadata", parameters)}`;
}
