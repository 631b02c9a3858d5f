// Where assistants and their versions are kept.
import type { Pool } from "pg";
import type { Assistant, AssistantPatch, AssistantSortKey, NewAssistant } from "../domain/assistant.ts";
import { ConflictError, NotFoundError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import type { AccessFilter, Page, PageQuery } from "../domain/page.ts";
import type { AssistantQuery, AssistantRepository } from "../domain/ports/assistant-repository.ts";
import { accessCondition } from "./access-sql.ts";
import { type AssistantRow, assistantColumns, toAssistant } from "./assistant-row.ts";
import { countAssistants, searchAssistants } from "./assistant-search.ts";
import type { CheckpointTables } from "./checkpoint-tables.ts";
import { isFilter } from "./search-sql.ts";
import { execute, inTransaction, Parameters } from "./statement.ts";
import { deleteThreadsWhere } from "./thread-removal.ts";

/** What a version keeps of its assistant. */
const VERSIONED_COLUMNS = "assistant_id, version, graph_id, name, description, config, context, metadata";

export class PostgresAssistantRepository implements AssistantRepository {
  readonly #pool: Pool;
  readonly #checkpoints: CheckpointTables;

  /** @param checkpoints used where deleting an assistant takes its threads with it. */
  constructor(pool: Pool, checkpoints: CheckpointTables) {
    this.#pool = pool;
    this.#checkpoints = checkpoints;
  }

  async createAssistant(
    assistant: NewAssistant,
    ifExists: "raise" | "do_nothing",
    access?: AccessFilter,
  ): Promise<Assistant> {
    const rows = await execute<AssistantRow>(
      this.#pool,
      `with created as (
         insert into assistant (assistant_id, graph_id, name, description, config, context, metadata)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (assistant_id) do nothing returning *
       ), first_version as (insert into assistant_version (${VERSIONED_COLUMNS}) select ${VERSIONED_COLUMNS} from created)
       select ${assistantColumns("created")} from created`,
      [
        assistant.assistantId,
        assistant.graphId,
        assistant.name,
        assistant.description,
        JSON.stringify(assistant.config),
        JSON.stringify(assistant.context),
        JSON.stringify(assistant.metadata),
      ],
    );
    if (rows[0] !== undefined) return toAssistant(rows[0]);
    // Read in a statement of its own: the snapshot of the insert may be older than the row it ran into.
    const existing = ifExists === "do_nothing" ? await this.findAssistant(assistant.assistantId, access) : undefined;
    if (existing === undefined) throw new ConflictError("Assistant already exists");
    return existing;
  }

  async findAssistant(assistantId: string, access?: AccessFilter): Promise<Assistant | undefined> {
    const parameters = new Parameters();
    const rows = await execute<AssistantRow>(
      this.#pool,
      `select ${assistantColumns("a")} from assistant a
       where a.assistant_id = ${parameters.add(assistantId)} and ${accessCondition(access, "a.metadata", parameters)}`,
      parameters.values,
      access === undefined ? "find_assistant" : undefined,
    );
    return rows[0] && toAssistant(rows[0]);
  }

  searchAssistants(
    query: AssistantQuery & PageQuery<AssistantSortKey>,
    access?: AccessFilter,
  ): Promise<Page<Assistant>> {
    return searchAssistants(this.#pool, query, access);
  }

  countAssistants(query: AssistantQuery, access?: AccessFilter): Promise<number> {
    return countAssistants(this.#pool, query, access);
  }

  async updateAssistant(assistantId: string, patch: AssistantPatch, access?: AccessFilter): Promise<Assistant> {
    const parameters = new Parameters();
    const assignments = patchAssignments(patch, parameters);
    // The row itself hands out version numbers: concurrent updates wait for each other on it.
    const rows = await execute<AssistantRow>(
      this.#pool,
      `with updated as (
         update assistant a set ${assignments.join(", ")}
         where a.assistant_id = ${parameters.add(assistantId)} and ${accessCondition(access, "a.metadata", parameters)}
         returning a.*
       ), new_version as (insert into assistant_version (${VERSIONED_COLUMNS}) select ${VERSIONED_COLUMNS} from updated)
       select ${assistantColumns("updated")} from updated`,
      parameters.values,
    );
    if (rows[0] === undefined) throw new NotFoundError("Assistant not found");
    return toAssistant(rows[0]);
  }

  /** The caller's rule holds for the threads too: those it hides stay. */
  async deleteAssistant(
    assistantId: string,
    options: { deleteThreads: boolean },
    access?: AccessFilter,
  ): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      const parameters = new Parameters();
      const deleted = await execute(
        client,
        `delete from assistant a where a.assistant_id = ${parameters.add(assistantId)}
           and ${accessCondition(access, "a.metadata", parameters)} returning a.assistant_id`,
        parameters.values,
      );
      if (deleted.length === 0) throw new NotFoundError("Assistant not found");
      if (!options.deleteThreads) return;
      const ofAssistant = new Parameters();
      const condition = `t.assistant_id = ${ofAssistant.add(assistantId)} and ${accessCondition(access, "t.metadata", ofAssistant)}`;
      await deleteThreadsWhere(client, condition, ofAssistant.values, this.#checkpoints);
    });
  }

  async listAssistantVersions(
    assistantId: string,
    query: { metadata?: JsonObject; limit: number; offset: number },
    access?: AccessFilter,
  ): Promise<Assistant[]> {
    const parameters = new Parameters();
    const conditions = [
      `v.assistant_id = ${parameters.add(assistantId)}`,
      accessCondition(access, "a.metadata", parameters),
    ];
    if (isFilter(query.metadata)) conditions.push(`v.metadata @> ${parameters.addJson(query.metadata)}`);
    const rows = await execute<AssistantRow>(
      this.#pool,
      `select v.*, v.created_at as updated_at
       from assistant_version v join assistant a using (assistant_id) where ${conditions.join(" and ")}
       order by v.version desc limit ${parameters.add(query.limit)} offset ${parameters.add(query.offset)}`,
      parameters.values,
    );
    return rows.map(toAssistant);
  }

  async setLatestAssistantVersion(assistantId: string, version: number, access?: AccessFilter): Promise<Assistant> {
    const parameters = new Parameters();
    const rows = await execute<AssistantRow>(
      this.#pool,
      `update assistant a set version = v.version, graph_id = v.graph_id, name = v.name, description = v.description,
         config = v.config, context = v.context, metadata = v.metadata, updated_at = now()
       from assistant_version v
       where a.assistant_id = ${parameters.add(assistantId)} and v.assistant_id = a.assistant_id
         and v.version = ${parameters.add(version)} and ${accessCondition(access, "a.metadata", parameters)}
       returning ${assistantColumns("a")}`,
      parameters.values,
    );
    if (rows[0] === undefined) throw new NotFoundError(`Assistant "${assistantId}" with version ${version} not found.`);
    return toAssistant(rows[0]);
  }

  async ensureSystemAssistants(assistants: NewAssistant[]): Promise<void> {
    // In order of id, so that processes starting together lock the rows in the same order.
    await execute(
      this.#pool,
      `with wanted as (
         select * from jsonb_to_recordset($1::jsonb) as w (assistant_id uuid, graph_id text, name text, description text,
           config jsonb, context jsonb, metadata jsonb)
         order by assistant_id
       ), created as (
         insert into assistant as a (assistant_id, graph_id, name, description, config, context, metadata)
         select assistant_id, graph_id, name, description, config, context, metadata from wanted
         on conflict (assistant_id) do update set name = excluded.name, description = excluded.description
         where (a.name, a.description) is distinct from (excluded.name, excluded.description)
         returning *
       )
       insert into assistant_version (${VERSIONED_COLUMNS}) select ${VERSIONED_COLUMNS} from created
       on conflict (assistant_id, version) do update set name = excluded.name, description = excluded.description`,
      [
        JSON.stringify(
          assistants.map((assistant) => ({
            assistant_id: assistant.assistantId,
            graph_id: assistant.graphId,
            name: assistant.name,
            description: assistant.description,
            config: assistant.config,
            context: assistant.context,
            metadata: assistant.metadata,
          })),
        ),
      ],
    );
  }
}

function patchAssignments(patch: AssistantPatch, parameters: Parameters): string[] {
  const assignments = ["version = a.version_max + 1", "version_max = a.version_max + 1", "updated_at = now()"];
  if (patch.graphId !== undefined) assignments.push(`graph_id = ${parameters.add(patch.graphId)}`);
  if (patch.name !== undefined) assignments.push(`name = ${parameters.add(patch.name)}`);
  if (patch.description !== undefined) assignments.push(`description = ${parameters.add(patch.description)}`);
  if (patch.config !== undefined) assignments.push(`config = ${parameters.addJson(patch.config)}`);
  if (patch.context !== undefined) assignments.push(`context = ${parameters.addJson(patch.context)}`);
  if (patch.metadata !== undefined) assignments.push(`metadata = a.metadata || ${parameters.addJson(patch.metadata)}`);
  return assignments;
}
