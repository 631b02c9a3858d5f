// The usage ledger: a row per call of a model, reserved before the call and settled after it, on the accounts of its budgets.
import type { AccessFilter } from "../page.ts";
import type { BudgetLimit, BudgetPeriod, BudgetScope, BudgetState, CallOutcome, TokenUsage } from "../usage.ts";
import type { Fence } from "./run-queue.ts";

/** Whom a call is accounted to. */
export interface CallOwner {
  assistantId: string;
  graphId: string;
  userId: string | null;
  tenantId: string | null;
  runAttempt: number;
}

export interface NewCall extends CallOwner {
  callId: string;
  node: string | null;
  provider: string | null;
  model: string;
  /** Which try of one answer, from 1. */
  callAttempt: number;
  estimatedInputTokens: number;
  /** What is set aside on the budgets until the call is settled. */
  reservedTokens: number;
  /** In US dollars. */
  reservedCost: number;
}

/** A budget that a call counts towards. */
export interface AccountRef {
  scope: BudgetScope;
  subject: string;
  period: BudgetPeriod;
}

export type AccountLimit = AccountRef & BudgetLimit;

export type Reservation =
  | { isAllowed: true; budgets: BudgetState[] }
  /** `exceeded`: the budgets that leave no room, as they stand without the call. */
  | { isAllowed: false; exceeded: BudgetState[] };

export interface CallSettlement extends TokenUsage {
  outcome: Exclude<CallOutcome, "running">;
  isEstimated: boolean;
  error: string | null;
  /** The provider's own id of its answer. */
  providerCallId: string | null;
  /** In US dollars; null where the price is unknown. */
  cost: number | null;
  priceSource: string | null;
  latencyMs: number | null;
  firstTokenMs: number | null;
}

/** A call that nobody will settle any more. */
export interface AbandonedCall {
  callId: string;
  provider: string | null;
  model: string;
  estimatedInputTokens: number;
}

export interface UsageLedger {
  /**
   * Writes the call down and sets its reservation aside on all its budgets, or on none where one has no room.
   * @throws LeaseLostError: whoever lost the thread may not spend on its behalf
   */
  reserveCall(fence: Fence, call: NewCall, limits: AccountLimit[]): Promise<Reservation>;
  /**
   * Replaces the reservation by what was used; a call is settled once, but what a provider told replaces an estimate.
   * Needs no lease: what was spent was spent.
   */
  settleCall(callId: string, settlement: CallSettlement): Promise<void>;
  /** Calls of workers that are gone, at most `countMax`. */
  findAbandonedCalls(countMax: number): Promise<AbandonedCall[]>;
  /** Entries and accounts that nobody asks for any more; returns how many went. */
  removeOldUsage(options: { olderThanMs: number; countMax: number }): Promise<number>;
}

export const USAGE_KEYS = [
  "run_id",
  "thread_id",
  "assistant_id",
  "graph_id",
  "user_id",
  "tenant_id",
  "provider",
  "model",
  "node",
  "outcome",
  "day",
  "hour",
] as const;
/** What usage can be summed up by; `day` and `hour` in UTC. */
export type UsageKey = (typeof USAGE_KEYS)[number];

export interface UsageFilter {
  runId?: string;
  threadId?: string;
  assistantId?: string;
  graphId?: string;
  userId?: string;
  tenantId?: string;
  provider?: string;
  model?: string;
  outcome?: CallOutcome;
  since?: Date;
  until?: Date;
}

/** A sum over calls. */
export interface UsageSum extends TokenUsage {
  keys: Partial<Record<UsageKey, string | null>>;
  callCount: number;
  failedCount: number;
  abortedCount: number;
  /** Calls whose tokens were estimated. */
  estimatedCount: number;
  /** Calls that used tokens of a model whose price is unknown; they are not in `cost`. */
  unpricedCount: number;
  /** US dollars; null if there is no priced call. */
  cost: number | null;
  latencyMsMean: number | null;
}

/** One call as it stands. */
export interface UsageEntry extends TokenUsage, CallOwner {
  callId: string;
  runId: string;
  threadId: string;
  node: string | null;
  provider: string | null;
  model: string;
  callAttempt: number;
  outcome: CallOutcome;
  isEstimated: boolean;
  error: string | null;
  providerCallId: string | null;
  cost: number | null;
  priceSource: string | null;
  startedAt: Date;
  endedAt: Date | null;
  latencyMs: number | null;
  firstTokenMs: number | null;
}

export interface UsageReports {
  /** Largest cost first, then most tokens; by time where a time is among the keys. */
  sumUsage(
    query: UsageFilter & { keys: UsageKey[]; limit: number; offset: number },
    access: AccessFilter,
  ): Promise<{ items: UsageSum[]; total: number }>;
  /** Newest first. */
  listCalls(
    query: UsageFilter & { limit: number; offset: number },
    access: AccessFilter,
  ): Promise<{ items: UsageEntry[]; total: number }>;
  /** Accounts of the present periods; those without an entry were never used. */
  readAccounts(accounts: AccountRef[]): Promise<BudgetState[]>;
}
