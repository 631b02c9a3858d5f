// Prompt caches as the providers run them: automatic for OpenAI, by marked breakpoints for Anthropic.
import { createHash } from "node:crypto";
import { type PromptSegment, sumTokens } from "./conversation.ts";

/** OpenAI: prompts shorter than this are not cached, and hits come in steps of 128 (OpenAI, "Prompt caching" guide, 2025). */
const openAiCachedTokensMin = 1024;
const openAiCachedTokensStep = 128;

/** Anthropic: smallest cacheable prefix of the Sonnet models, and how many blocks back a hit is looked for ("Prompt caching", 2025). */
const anthropicCachedTokensMin = 1024;
const anthropicLookBackBlocks = 20;

const timeToLiveMs = 5 * 60_000;

/** How a prompt's input tokens divide. */
export interface CacheOutcome {
  cachedInputTokens: number;
  cacheWriteTokens: number;
}

/** Remembers prefixes of prompts per model, for five minutes after their last use. */
export class PromptCache {
  private readonly usedAtByPrefix = new Map<string, number>();
  private readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Counts an OpenAI prompt's cached tokens and remembers the prompt. */
  readAutomatic(model: string, segments: PromptSegment[]): CacheOutcome {
    const prefixes = prefixHashes(model, segments);
    const hitAt = prefixes.findLastIndex((prefix) => this.isFresh(prefix));
    for (const prefix of prefixes) this.usedAtByPrefix.set(prefix, this.now());
    const hitTokens = sumTokens(segments.slice(0, hitAt + 1));
    const cachedInputTokens = Math.floor(hitTokens / openAiCachedTokensStep) * openAiCachedTokensStep;
    return {
      cachedInputTokens: cachedInputTokens >= openAiCachedTokensMin ? cachedInputTokens : 0,
      cacheWriteTokens: 0,
    };
  }

  /** Counts an Anthropic prompt's cache reads and writes, and remembers the prefixes that end at a breakpoint. */
  readBreakpoints(model: string, segments: PromptSegment[]): CacheOutcome {
    const prefixes = prefixHashes(model, segments);
    const breakpoints = segments.flatMap((part, index) => (part.isCacheBreakpoint ? [index] : []));
    const lastBreakpoint = breakpoints.at(-1);
    if (lastBreakpoint === undefined) return { cachedInputTokens: 0, cacheWriteTokens: 0 };
    const markedTokens = sumTokens(segments.slice(0, lastBreakpoint + 1));
    if (markedTokens < anthropicCachedTokensMin) return { cachedInputTokens: 0, cacheWriteTokens: 0 };
    let hitAt = -1;
    for (const breakpoint of breakpoints) {
      for (let at = breakpoint; at >= 0 && at > breakpoint - anthropicLookBackBlocks; at--) {
        if (!this.isFresh(prefixes[at]!)) continue;
        hitAt = Math.max(hitAt, at);
        break;
      }
    }
    if (hitAt >= 0) this.usedAtByPrefix.set(prefixes[hitAt]!, this.now());
    for (const breakpoint of breakpoints) {
      const isLongEnough = sumTokens(segments.slice(0, breakpoint + 1)) >= anthropicCachedTokensMin;
      if (isLongEnough) this.usedAtByPrefix.set(prefixes[breakpoint]!, this.now());
    }
    const cachedInputTokens = sumTokens(segments.slice(0, hitAt + 1));
    return { cachedInputTokens, cacheWriteTokens: markedTokens - cachedInputTokens };
  }

  private isFresh(prefix: string): boolean {
    const usedAt = this.usedAtByPrefix.get(prefix);
    return usedAt !== undefined && this.now() - usedAt <= timeToLiveMs;
  }
}

function prefixHashes(model: string, segments: PromptSegment[]): string[] {
  let prefix = model;
  return segments.map((part) => {
    prefix = createHash("sha256").update(`${prefix}\u0000${part.text}`).digest("hex");
    return prefix;
  });
}
