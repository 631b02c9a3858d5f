// Everything that authors of agents may use from the kit.

export { markForCache, wantsCacheMarks, withCacheMark } from "./context-window/cache-control.ts";
export {
  type Compaction,
  type CompactionPlan,
  type ContextLimits,
  contextView,
  contextViewWithin,
  latestCompaction,
  mergeCompactions,
  planCompaction,
} from "./context-window/compaction.ts";
export {
  type ContextWindowOptions,
  compactionState,
  compactThread,
  contextWindowMiddleware,
} from "./context-window/context-window-middleware.ts";
export { createTokenCounter, type NamedCounter } from "./context-window/exact-count.ts";
export { type FitHistoryOptions, type FittedHistory, fitHistory } from "./context-window/fit-history.ts";
export {
  type HistoryProblem,
  type HistoryRepair,
  type HistoryRepairOptions,
  isCancelledResult,
  repairHistory,
} from "./context-window/history-repair.ts";
export {
  type HistoryRepairMiddlewareOptions,
  historyRepairMiddleware,
} from "./context-window/history-repair-middleware.ts";
export { isPinned, newestTurn, pinMessage } from "./context-window/message-groups.ts";
export { tokenBudgetFor, windowTokensOf } from "./context-window/model-window.ts";
export { factsMessage, mergeFacts, type PinnedFact, pinFact, pinnedFactState } from "./context-window/pinned-facts.ts";
export { type SummarizeOptions, summarizeMessages } from "./context-window/summarize.ts";
export { estimateTextTokens, estimateTokens, type TokenCounter } from "./context-window/token-estimate.ts";
export type { EffectDecision, UnknownEffectQuestion } from "./effects/ask-person.ts";
export { idempotencyKeyOf } from "./effects/perform-effect.ts";
export { type EffectOptions, EffectTool, withEffect } from "./effects/with-effect.ts";
export {
  type McpAddress,
  type McpConnectionOptions,
  type McpProgram,
  McpServerAwayError,
  type McpServerConfig,
} from "./mcp/mcp-server.ts";
export { type McpOptions, McpTools, mcpMiddleware } from "./mcp/mcp-tools.ts";
export {
  forgetUser,
  type MemoryChanges,
  type MemoryFact,
  type MemoryOptions,
  memoryNamespace,
  recall,
  remember,
} from "./memory/memory.ts";
export { type MemoryMiddlewareOptions, memoryMiddleware } from "./memory/memory-middleware.ts";
export { CircuitBreaker, type CircuitBreakerOptions } from "./models/circuit-breaker.ts";
export { type CreateEmbeddingsOptions, createEmbeddings } from "./models/create-embeddings.ts";
export { type CreateModelOptions, createModel } from "./models/create-model.ts";
export { DemoChatModel, type DemoChatModelCallOptions, type DemoChatModelParams } from "./models/demo-model.ts";
export { ModelTimeoutError } from "./models/model-attempt.ts";
export { createModelChain, type ModelChainOptions } from "./models/model-chain.ts";
export { ModelConfigError } from "./models/model-errors.ts";
export {
  type ModelChoice,
  ModelsForRuns,
  modelForRunMiddleware,
  type RunConfigLike,
} from "./models/model-for-run.ts";
export type { ModelGate } from "./models/model-gate.ts";
export { type ModelProvider, type ModelSpec, modelProviders, parseModelSpec } from "./models/model-spec.ts";
export { type ProviderEnv, readProviderEnv } from "./models/provider-env.ts";
export { RequestRate } from "./models/request-rate.ts";
export {
  type ModelAttempt,
  type ModelCandidate,
  ModelUnavailableError,
  type ResilienceOptions,
} from "./models/resilience-options.ts";
export { type ResilientCallOptions, ResilientChatModel } from "./models/resilient-model.ts";
export { type SelectedModel, selectModel } from "./models/select-model.ts";
export {
  StructuredAnswerError,
  type StructuredAnswerOptions,
  structuredAnswer,
} from "./models/structured-answer.ts";
export { type Backoff, backoffDelayMs, defaultBackoff } from "./retries/backoff.ts";
export { classifyError, type ErrorClass, retryAfterMsOf } from "./retries/error-class.ts";
export {
  type ApprovalDecision,
  type ApprovalPolicy,
  approvalMiddleware,
  needsApproval,
  type ToolApproval,
  type ToolApprovals,
} from "./tools/approval.ts";
export { GuardedTool, guardTool } from "./tools/guard-tool.ts";
export { askWithReadableCalls } from "./tools/readable-calls.ts";
export { type RedactionOptions, redact, redactText } from "./tools/redaction.ts";
export { type ToolGuardOptions, toolGuardMiddleware } from "./tools/tool-guard-middleware.ts";
export { defaultToolLimits, type ToolLimits } from "./tools/tool-limits.ts";
export { mustAnswerNow, type TurnLimits, withoutToolCalls } from "./tools/turn-limits.ts";
export {
  type AgentBudget,
  AgentBudgetError,
  type BudgetOptions,
  budgetMiddleware,
  budgetProblem,
  isBudgetExceeded,
} from "./usage/budget-middleware.ts";
export { type ModelPrice, type PricedTokens, type PricedUsage, PriceTable } from "./usage/price-table.ts";
export { costOf, usageOf } from "./usage/thread-usage.ts";
