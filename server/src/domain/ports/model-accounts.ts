// Where a run's calls of models are accounted: asked before each call, told after it.
import type { Run } from "../run.ts";
import type { BudgetState, TokenUsage } from "../usage.ts";
import type { Fence } from "./run-queue.ts";

/** A call about to be made. */
export interface ModelCall {
  callId: string;
  node: string | null;
  provider: string | null;
  model: string;
  /** Which try of one answer, from 1. */
  callAttempt: number;
  /** Estimated tokens of the prompt. */
  inputTokens: number;
  /** Most tokens of the answer, where the call limits them. */
  outputTokensMax: number | undefined;
}

/** How a call ended. */
export interface ModelCallEnd extends TokenUsage {
  outcome: "completed" | "failed" | "aborted";
  /** Tokens were estimated, because the provider did not tell them. */
  isEstimated: boolean;
  error: string | null;
  /** The provider's own id of its answer, as far as one arrived. */
  providerCallId: string | null;
  latencyMs: number;
  firstTokenMs: number | null;
}

/** A budget of which a share is used that its owner wants to be told of. */
export type BudgetWarning = BudgetState & { share: number };

/** The accounts of one run. */
export interface RunAccounts {
  /**
   * Resolves when the call may be made.
   * @returns budgets that are nearly used up, each once a run
   * @throws BudgetExceededError, PriceUnknownError, LeaseLostError
   */
  openCall(call: ModelCall): Promise<BudgetWarning[]>;
  /** Returns at once; `flush` waits until it is written. A call may be told of again when more is known. */
  closeCall(call: ModelCall, end: ModelCallEnd): void;
  /** Resolves when everything told is written down, or cannot be. */
  flush(): Promise<void>;
}

export interface ModelAccounts {
  openRun(run: Run, fence: Fence): RunAccounts;
}
