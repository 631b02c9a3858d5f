// Finds the runs on a thread's tape, in the order of their blocks.
import type { Pool } from "pg";
import type { ThreadTapeLog } from "../domain/ports/thread-tape.ts";
import type { RunError, RunStatus } from "../domain/run.ts";
import { TAPE_PREFIX, type TapeRun } from "../domain/thread-tape.ts";
import { cipherOf } from "./content/cipher-of.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { openRunError } from "./content/sealed-columns.ts";
import { wantTape } from "./tape-wish.ts";

const COLUMNS = `r.run_id, r.thread_id, r.kwargs ->> 'graphId' as graph_id, r.tape_block, r.status, r.error, r.is_waiting,
  r.started_at, r.ended_at, r.is_taped or coalesce((r.kwargs ->> 'isProtocol')::boolean, false) as is_taped`;

const READ_RUNS = `
  select ${COLUMNS} from run r join thread t on t.thread_id = r.thread_id
  where r.thread_id = $1::uuid and r.tape_block > greatest($2::int, t.tape_block - $3::int)
  order by r.tape_block limit $4`;

interface TapeRunRow {
  run_id: string;
  thread_id: string;
  graph_id: string;
  tape_block: number;
  status: RunStatus;
  error: RunError | null;
  is_waiting: boolean;
  is_taped: boolean;
  started_at: Date | null;
  ended_at: Date | null;
}

export class PostgresThreadTape implements ThreadTapeLog {
  readonly #pool: Pool;
  readonly #cipher: ContentCipher;

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#cipher = cipherOf(pool);
  }

  wantTape(threadId: string): Promise<void> {
    return wantTape(this.#pool, threadId);
  }

  async readTapeRuns(
    threadId: string,
    afterBlock: number,
    { countMax, retainedCount }: { countMax: number; retainedCount: number },
  ): Promise<TapeRun[]> {
    const { rows } = await this.#pool.query<TapeRunRow>({
      name: "read_tape_runs",
      text: READ_RUNS,
      values: [threadId, afterBlock, retainedCount, countMax],
    });
    return rows.map((row) => toTapeRun(this.#cipher, row));
  }

  async findTapeRun(runId: string): Promise<TapeRun | undefined> {
    const { rows } = await this.#pool.query<TapeRunRow>({
      name: "find_tape_run",
      text: `select ${COLUMNS} from run r where r.run_id = $1::uuid and r.tape_block is not null`,
      values: [runId],
    });
    return rows[0] && toTapeRun(this.#cipher, rows[0]);
  }

  async findNewestTapeRun(threadId: string): Promise<TapeRun | undefined> {
    const { rows } = await this.#pool.query<TapeRunRow>({
      name: "find_newest_tape_run",
      text: `select ${COLUMNS} from run r where r.thread_id = $1::uuid and r.tape_block is not null
             order by r.tape_block desc limit 1`,
      values: [threadId],
    });
    return rows[0] && toTapeRun(this.#cipher, rows[0]);
  }

  async readTapeBlocks(threadIds: string[]): Promise<Map<string, number>> {
    const { rows } = await this.#pool.query<{ thread_id: string; tape_block: number }>({
      name: "read_tape_blocks",
      text: "select thread_id, tape_block from thread where thread_id = any($1::uuid[])",
      values: [threadIds],
    });
    return new Map(rows.map((row) => [row.thread_id, row.tape_block]));
  }

  async readLifecycles(runId: string): Promise<string[]> {
    const { rows } = await this.#pool.query<{ data: string }>({
      name: "read_lifecycles",
      text: "select data from run_event where run_id = $1::uuid and event like $2 order by seq",
      values: [runId, `${TAPE_PREFIX}lifecycle%`],
    });
    return rows.map((row) => this.#cipher.open("run_event", row.data));
  }
}

function toTapeRun(cipher: ContentCipher, row: TapeRunRow): TapeRun {
  return {
    runId: row.run_id,
    threadId: row.thread_id,
    graphId: row.graph_id,
    block: row.tape_block,
    status: row.status,
    error: openRunError(cipher, row.error),
    isWaiting: row.is_waiting,
    isTaped: row.is_taped,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
