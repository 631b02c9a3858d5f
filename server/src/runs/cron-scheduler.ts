// The scheduler: turns due ticks of crons into runs. Any number of schedulers may do it at once.
import type { Cron } from "../domain/cron.ts";
import { HoldfastError } from "../domain/errors.ts";
import { mintId } from "../domain/ids.ts";
import { omitUndefined } from "../domain/json.ts";
import type { AssistantRepository } from "../domain/ports/assistant-repository.ts";
import type { CronRepository, CronTick, FiredTick } from "../domain/ports/cron-repository.ts";
import type { EventBus } from "../domain/ports/event-bus.ts";
import type { GraphCatalog } from "../domain/ports/graph-runtime.ts";
import type { RunQueue } from "../domain/ports/run-queue.ts";
import type { Report } from "../observability/report.ts";
import { nextTick, parseSchedule } from "./cron-schedule.ts";
import type { EngineLimits } from "./limits.ts";
import { QueueDepth } from "./queue-depth.ts";
import { buildRun } from "./run-builder.ts";
import type { RunRequest } from "./run-request.ts";

export interface CronSchedulerOptions {
  crons: CronRepository;
  assistants: AssistantRepository;
  catalog: GraphCatalog;
  queue: RunQueue;
  bus: EventBus;
  limits: EngineLimits;
  report: Report;
  /** @default the database's clock */
  now?: () => Date;
}

/** Ticks that one turn fires. */
const TICKS_PER_TURN_MAX = 100;
/** A tick that was due before the end still fires this long after it: the scheduler looks once a second. */
const LATE_AFTER_END_MAX_MS = 60_000;

export class CronScheduler {
  readonly #options: CronSchedulerOptions;
  readonly #depth: QueueDepth;

  constructor(options: CronSchedulerOptions) {
    this.#options = options;
    this.#depth = new QueueDepth(options.queue, options.limits.queueDepthMax);
  }

  /**
   * Fires what is due; `true` when more may be. Ticks that were missed while no scheduler ran fire once, not once each. While
   * the run queue is full, ticks wait.
   */
  async takeTurn(): Promise<boolean> {
    if (await this.#depth.isFull()) return false;
    const { crons, now } = this.#options;
    const { fired, failures } = await crons.fireDueTicks({
      ...(now && { now: now() }),
      countMax: TICKS_PER_TURN_MAX,
      decide: (cron, time) => this.#decide(cron, time),
    });
    for (const tick of fired) this.#announce(tick);
    if (fired.some(({ admission }) => admission !== undefined)) this.#options.bus.publishPending();
    // Told to whoever drives the turns; those ticks stay due.
    if (failures.length > 0) throw failures[0]!.error;
    return fired.length === TICKS_PER_TURN_MAX;
  }

  /** A cron that can never start a run must not stay due: its tick passes, and the reason is told. */
  async #decide(cron: Cron, now: Date): Promise<CronTick> {
    let nextRunAt: Date | null = null;
    try {
      nextRunAt = this.#nextRunAt(cron, now);
      return await this.#build(cron, now, nextRunAt);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.isRetryable) throw error;
      return { nextRunAt, reason: error.message };
    }
  }

  #nextRunAt(cron: Cron, now: Date): Date | null {
    if (isOver(cron, now)) return null;
    return nextTick(parseSchedule(cron.schedule, cron.timezone), now, cron.endTime);
  }

  async #build(cron: Cron, now: Date, nextRunAt: Date | null): Promise<CronTick> {
    if (isOver(cron, now)) return { nextRunAt, reason: "The end time has passed." };
    const { assistants, catalog, limits } = this.#options;
    const assistant = await assistants.findAssistant(cron.assistantId);
    if (assistant === undefined || !catalog.hasGraph(assistant.graphId)) {
      return { nextRunAt, reason: "The assistant or its graph does not exist any more." };
    }
    const request: RunRequest = omitUndefined({
      ...(cron.runRequest as Partial<RunRequest>),
      assistantId: cron.assistantId,
      threadId: cron.threadId ?? undefined,
      onCompletion: cron.onRunCompleted,
      // Last, so that nobody can have runs counted as another cron's.
      metadata: { ...cron.metadata, cron_id: cron.cronId },
    });
    const ids = { runId: mintId(), threadId: cron.threadId ?? mintId() };
    return { nextRunAt, run: buildRun(request, assistant, ids, limits) };
  }

  #announce({ cron, tickAt, firedAt, admission, reason }: FiredTick): void {
    const { bus, report } = this.#options;
    const { cronId } = cron;
    if (admission === undefined) {
      report.cronSkipped({ cronId, reason: reason ?? "" });
      return;
    }
    for (const { runId, action } of admission.cancelled) {
      bus.publishCancel(runId, action);
      bus.publishEnded(runId);
    }
    this.#depth.added();
    const { runId, threadId, assistantId, multitaskStrategy } = admission.run;
    report.runCreated({ runId, threadId, assistantId, strategy: multitaskStrategy });
    report.cronFired({ cronId, runId, lateMs: firedAt.getTime() - tickAt.getTime() });
  }
}

function isOver({ endTime }: Cron, now: Date): boolean {
  return endTime !== null && now.getTime() > endTime.getTime() + LATE_AFTER_END_MAX_MS;
}
