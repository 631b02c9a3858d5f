// Takes due notices from the outbox and sends them, each until it is acknowledged or given up: at least once, under one id.
import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError, InvalidRequestError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import type { WebhookDeliveryRepository } from "../domain/ports/webhook-delivery-repository.ts";
import type { Run } from "../domain/run.ts";
import type { WebhookDelivery } from "../domain/webhook.ts";
import type { Report } from "../observability/report.ts";
import { retryDelayMs, type WebhookLimits } from "./limits.ts";
import { webhookBody } from "./webhook-body.ts";
import type { WebhookPolicy, WebhookTarget } from "./webhook-policy.ts";
import type { WebhookAnswer, WebhookSender } from "./webhook-sender.ts";

export interface WebhookDelivererOptions {
  deliveries: WebhookDeliveryRepository;
  policy: WebhookPolicy;
  sender: WebhookSender;
  limits: WebhookLimits;
  /** Sent with every notice. */
  headers: Readonly<Record<string, string>>;
  userAgent: string;
  /** The run as the API shows it. */
  presentRun(run: Run): JsonObject;
  /** The thread's values when the run ended; `undefined` where there are none to show, `null` where they are gone. */
  readValues(delivery: WebhookDelivery): Promise<unknown>;
  report: Report;
}

/** A notice that nobody reports on is due again this long after its attempt should have ended. */
const LEASE_MARGIN_MS = 20_000;
/** Slots that become free within this time are filled by one statement. */
const REFILL_PAUSE_MS = 5;
/** The receiver says that it wants no more. */
const GONE = 410;

export class WebhookDeliverer implements AsyncDisposable {
  readonly #options: WebhookDelivererOptions;
  readonly #inFlight = new Set<Promise<void>>();
  /** Of the attempts under way. */
  readonly #aborts = new Set<AbortController>();
  #isStopped = false;
  #isBrokenOff = false;

  constructor(options: WebhookDelivererOptions) {
    this.#options = options;
  }

  /** Fills the free slots with due notices; `true` when more may be due. */
  async takeTurn(): Promise<boolean> {
    const { deliveries, limits } = this.#options;
    if (this.#inFlight.size >= limits.inFlightMax) {
      await Promise.race(this.#inFlight);
      await sleep(REFILL_PAUSE_MS);
    }
    if (this.#isStopped) return false;
    const countMax = limits.inFlightMax - this.#inFlight.size;
    const leaseMs = limits.timeoutMs + LEASE_MARGIN_MS;
    const claimed = await deliveries.claimDeliveries({ countMax, leaseMs });
    for (const delivery of claimed) this.#start(delivery);
    return claimed.length === countMax;
  }

  /** Resolves when no attempt is under way. */
  async settle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  /** Takes nothing new, gives attempts under way a moment, then breaks them off; another process repeats those. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    const grace = new AbortController();
    const timeUp = sleep(this.#options.limits.stopGraceMs, undefined, { signal: grace.signal }).catch(() => undefined);
    await Promise.race([this.settle(), timeUp]);
    grace.abort();
    this.#isBrokenOff = true;
    for (const abort of this.#aborts) abort.abort();
    await this.settle();
    this.#options.sender[Symbol.dispose]();
  }

  #start(delivery: WebhookDelivery): void {
    const attempt = this.#attempt(delivery).catch((error: unknown) => {
      // The outcome could not be written down: the notice becomes due again by itself.
      this.#options.report.webhookUnsettled({ deliveryId: delivery.deliveryId, error });
    });
    const tracked: Promise<void> = attempt.finally(() => this.#inFlight.delete(tracked));
    this.#inFlight.add(tracked);
  }

  async #attempt(delivery: WebhookDelivery): Promise<void> {
    const { deliveries, report } = this.#options;
    const beganAtMs = performance.now();
    let answer: WebhookAnswer;
    try {
      answer = await this.#send(delivery);
    } catch (error) {
      if (error instanceof InvalidRequestError) return this.#giveUp(delivery, error.message);
      return this.#retry(delivery, describeFailure(error), undefined);
    }
    const { status, retryAfterMs } = answer;
    if (status >= 200 && status < 300) {
      await deliveries.markDelivered(delivery);
      const { deliveryId, attempt, run } = delivery;
      const durationMs = Math.round(performance.now() - beganAtMs);
      report.webhookDelivered({ deliveryId, runId: run.runId, attempt, durationMs });
    } else if (status === GONE) await this.#giveUp(delivery, "The receiver answered 410: it wants no more.");
    else await this.#retry(delivery, `The receiver answered ${status}.`, retryAfterMs);
  }

  async #send(delivery: WebhookDelivery): Promise<WebhookAnswer> {
    const { policy, headers, userAgent, presentRun, readValues } = this.#options;
    const target = policy.targetOf(delivery.url);
    const values = await readValues(delivery);
    const sentAt = new Date();
    const body = JSON.stringify(webhookBody(delivery, presentRun(delivery.run), values, sentAt));
    const ownHeaders = {
      "content-type": "application/json",
      "user-agent": userAgent,
      // The names of the Standard Webhooks specification.
      "webhook-id": delivery.deliveryId,
      "webhook-timestamp": String(Math.floor(sentAt.getTime() / 1_000)),
    };
    return this.#sendInTime(target, body, { ...headers, ...ownHeaders });
  }

  async #sendInTime(target: WebhookTarget, body: string, headers: Record<string, string>): Promise<WebhookAnswer> {
    const { sender, limits } = this.#options;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), limits.timeoutMs);
    this.#aborts.add(abort);
    if (this.#isBrokenOff) abort.abort();
    try {
      return await sender.send(target, body, headers, abort.signal);
    } finally {
      clearTimeout(timer);
      this.#aborts.delete(abort);
    }
  }

  async #retry(delivery: WebhookDelivery, reason: string, retryAfterMs: number | undefined): Promise<void> {
    const { deliveries, limits, report } = this.#options;
    const { deliveryId, attempt, run } = delivery;
    // A process that stops says nothing of the receiver: whoever is next tries at once.
    if (this.#isBrokenOff) return deliveries.retryDelivery(delivery, 0, reason);
    const delayMs = Math.max(retryDelayMs(limits, attempt), Math.min(retryAfterMs ?? 0, limits.retryMaxMs));
    const isTooOld = Date.now() + delayMs - delivery.createdAt.getTime() > limits.ageMaxMs;
    if (attempt >= limits.attemptMax || isTooOld) return this.#giveUp(delivery, reason);
    await deliveries.retryDelivery(delivery, delayMs, reason);
    report.webhookFailed({ deliveryId, runId: run.runId, attempt, reason, retryInMs: delayMs });
  }

  async #giveUp(delivery: WebhookDelivery, reason: string): Promise<void> {
    await this.#options.deliveries.giveUpDelivery(delivery, reason);
    const { deliveryId, attempt, run } = delivery;
    this.#options.report.webhookGivenUp({ deliveryId, runId: run.runId, attempt, reason });
  }
}

/** Without the address, which may hold a secret. */
function describeFailure(error: unknown): string {
  if (error instanceof HoldfastError) return error.message;
  if (!(error instanceof Error)) return "The notice could not be sent.";
  if (error.name === "AbortError") return "The receiver did not answer in time.";
  const { code } = error as NodeJS.ErrnoException;
  return `The receiver could not be reached: ${code ?? error.name}.`;
}
