// Plans what happens when a thread outgrows its token budget, and shows a model what it may see of the thread.
import { type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { fitHistory } from "./fit-history.ts";
import { groupMessages, isPinned } from "./message-groups.ts";
import { isHuman, isTool } from "./message-kinds.ts";
import { estimateTokens, type TokenCounter } from "./token-estimate.ts";

/** One compaction of a thread. They are only ever added; the newest counts. */
export interface Compaction {
  /** 1, 2, 3, … */
  version: number;
  /** What was said up to and including the message `throughMessageId`; absent if nothing is summarised yet. */
  summary?: string;
  throughMessageId?: string;
  /** Long tool results up to this message are shown as left out. */
  clearedThroughMessageId?: string;
}

/** Limits of what a model sees. */
export interface ContextLimits {
  /** Most tokens of the messages sent to the model, summary included, system prompt and tools not. */
  tokensMax: number;
  /** Share of `tokensMax` to which a compaction cuts. @default 0.5 */
  keepShare?: number;
  /** Tool results longer than this, in characters, are left out first when room is needed. @default 500 */
  clearedResultCharactersMin?: number;
  /** @default {@link estimateTokens} */
  countTokens?: TokenCounter;
}

/** What a compaction has to do. */
export interface CompactionPlan {
  /** Where long tool results end being shown. */
  clearedThroughMessageId?: string;
  /** Messages to summarise, on top of the present summary; empty if clearing is enough. */
  toSummarise: BaseMessage[];
}

const defaults = { keepShare: 0.5, clearedResultCharactersMin: 500, countTokens: estimateTokens };

/** The newest compaction. */
export function latestCompaction(compactions: Compaction[]): Compaction | undefined {
  return compactions.reduce<Compaction | undefined>(
    (latest, one) => (latest && latest.version > one.version ? latest : one),
    undefined,
  );
}

/** Adds compactions to those there are; a version that is there already counts once, so a repeated step does no harm. */
export function mergeCompactions(kept: Compaction[], added: Compaction[]): Compaction[] {
  const byVersion = new Map([...kept, ...added].map((one) => [one.version, one]));
  return [...byVersion.values()].sort((a, b) => a.version - b.version);
}

/**
 * What the model sees of a thread: the summary as a first user message, pinned messages, and what came after the summarised
 * part, with long tool results of the cleared part replaced by a note. It is the same from call to call, but for what is added
 * at its end, until the next compaction. The thread's own messages are not touched.
 */
export function contextView(
  messages: BaseMessage[],
  compaction: Compaction | undefined,
  limits: ContextLimits,
): BaseMessage[] {
  const minimum = limits.clearedResultCharactersMin ?? defaults.clearedResultCharactersMin;
  const clearedThrough = indexOfId(messages, compaction?.clearedThroughMessageId);
  const summarisedThrough = indexOfId(messages, compaction?.throughMessageId);
  const shown = messages.flatMap((message, at) => {
    if (at <= summarisedThrough && !isPinned(message)) return [];
    return [at <= clearedThrough ? withoutLongResult(message, minimum) : message];
  });
  return compaction?.summary && summarisedThrough >= 0 ? [summaryMessage(compaction), ...shown] : shown;
}

/** The view, cut to the budget if it is over it all the same, for example because no summary could be made. */
export function contextViewWithin(
  messages: BaseMessage[],
  compaction: Compaction | undefined,
  limits: ContextLimits,
): BaseMessage[] {
  const view = contextView(messages, compaction, limits);
  return fitHistory(view, { tokensMax: limits.tokensMax, countTokens: limits.countTokens }).messages;
}

/**
 * Decides whether a thread must be compacted, and how: nothing while the view is within the budget; then long results of all
 * turns but the newest are cleared; if that does not bring the view down to its share, the oldest turns are summarised.
 */
export function planCompaction(
  messages: BaseMessage[],
  compaction: Compaction | undefined,
  limits: ContextLimits,
): CompactionPlan | undefined {
  const { keepShare, countTokens } = { ...defaults, ...limits };
  if (countTokens(contextView(messages, compaction, limits)) <= limits.tokensMax) return undefined;
  const newestTurnAt = messages.findLastIndex((message) => isHuman(message));
  const clearedThroughMessageId = messages[newestTurnAt - 1]?.id ?? compaction?.clearedThroughMessageId;
  const cleared: Compaction = { version: 0, ...compaction, clearedThroughMessageId };
  const goal = limits.tokensMax * keepShare;
  const view = contextView(messages, cleared, limits);
  const canClear = countTokens(view) <= goal;
  const toSummarise = canClear ? [] : oldestTurns(messages, cleared, goal, limits);
  const isNew = toSummarise.length > 0 || clearedThroughMessageId !== compaction?.clearedThroughMessageId;
  return isNew ? { clearedThroughMessageId, toSummarise } : undefined;
}

/** Whole turns from the oldest on, until the rest is within the goal; the newest turn never. */
function oldestTurns(
  messages: BaseMessage[],
  compaction: Compaction,
  goal: number,
  limits: ContextLimits,
): BaseMessage[] {
  const countTokens = limits.countTokens ?? estimateTokens;
  const from = indexOfId(messages, compaction.throughMessageId) + 1;
  const minimum = limits.clearedResultCharactersMin ?? defaults.clearedResultCharactersMin;
  const groups = groupMessages(messages.slice(from));
  const newestTurnAt = groups.findLastIndex((group) => group.kind === "user");
  let tokens = groups.reduce(
    (sum, group) => sum + countTokens(group.messages.map((message) => withoutLongResult(message, minimum))),
    0,
  );
  let end = 0;
  for (const [at, group] of groups.entries()) {
    if (group.kind === "user" && tokens <= goal) break;
    if (at >= newestTurnAt) break;
    tokens -= countTokens(group.messages.map((message) => withoutLongResult(message, minimum)));
    end = at + 1;
  }
  return groups.slice(0, end).flatMap((group) => group.messages);
}

function indexOfId(messages: BaseMessage[], id: string | undefined): number {
  return id === undefined ? -1 : messages.findIndex((message) => message.id === id);
}

function summaryMessage(compaction: Compaction): HumanMessage {
  const text = `Summary of our conversation so far, made because it became too long:\n${compaction.summary}`;
  return new HumanMessage({ id: `summary-${compaction.version}`, content: text });
}

function withoutLongResult(message: BaseMessage, charactersMin: number): BaseMessage {
  if (!isTool(message) || isPinned(message)) return message;
  const { length } = message.text;
  if (length <= charactersMin) return message;
  const content = `[This result of ${length} characters is no longer shown. Call the tool again if it is needed.]`;
  return new ToolMessage({
    id: message.id,
    name: message.name,
    tool_call_id: message.tool_call_id,
    status: message.status,
    content,
  });
}
