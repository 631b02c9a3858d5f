// Long-term memory: facts about a user in the LangGraph store, written by an explicit step and recalled by relevance within a budget.
import { createHash } from "node:crypto";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseStore, Item } from "@langchain/langgraph";
import { z } from "zod";
import { isAi, isHuman } from "../context-window/message-kinds.ts";
import { estimateTextTokens } from "../context-window/token-estimate.ts";
import { structuredAnswer } from "../models/structured-answer.ts";

/** One remembered fact, the value of a store item. */
export interface MemoryFact {
  text: string;
  /** What it is about, in a word or two; facts about the same replace each other. */
  topic: string;
  /** ISO time of the last change. */
  updatedAt: string;
}

/** How memory is kept. */
export interface MemoryOptions {
  /** Finds facts; a small, cheap model will do. */
  model: BaseChatModel;
  /** Most facts kept of one user; the oldest go first. @default 200 */
  factsMax?: number;
  /** Present facts shown to the model that updates them. @default 30 */
  comparedFactsMax?: number;
  /** Longest fact, in characters. @default 300 */
  factCharactersMax?: number;
  config?: RunnableConfig;
}

/** What a step of remembering did, by the keys of the store's items. */
export interface MemoryChanges {
  added: string[];
  updated: string[];
  forgotten: string[];
}

const defaults = { factsMax: 200, comparedFactsMax: 30, factCharactersMax: 300 };
const recallCandidatesMax = 50;

/** The namespace of a user's facts; visible and erasable through the store's API. */
export function memoryNamespace(userId: string): string[] {
  // The store's namespaces have no dots.
  return ["memories", userId.replaceAll(".", "_")];
}

const changes = z.object({
  facts: z
    .array(
      z.object({
        action: z.enum(["add", "update", "forget"]),
        key: z.string().optional().describe("For update and forget: the key of the present fact"),
        topic: z.string().optional().describe("What it is about, in a word or two, such as 'diet' or 'home town'"),
        text: z.string().optional().describe("For add and update: the fact, one sentence about the user"),
      }),
    )
    .describe("Empty if nothing is worth keeping"),
});

const instructions = `You keep long-term memory about a user. From the conversation, find lasting facts about the user that will matter in other conversations: preferences, circumstances, names, decisions, things they asked to remember.
Leave out what only matters now, what the assistant said by itself, and secrets such as passwords and card numbers.
Compare with the present facts: update one that has changed, forget one that is wrong now or that the user asked to forget, add what is new, and never add what is there already.`;

/**
 * Extracts what is worth keeping from a conversation and brings the user's facts up to date: adds, updates and forgets. Facts that say the
 * same, or that are about the same topic, become one. Doing it twice changes nothing more than once.
 * @throws StructuredAnswerError, or what the model or the store throws; facts written before stay.
 */
export async function remember(
  store: BaseStore,
  userId: string,
  messages: BaseMessage[],
  options: MemoryOptions,
): Promise<MemoryChanges> {
  const { factsMax, comparedFactsMax, factCharactersMax } = { ...defaults, ...options };
  const namespace = memoryNamespace(userId);
  const present = await store.search(namespace, { limit: factsMax + comparedFactsMax });
  const text = messages
    .filter((message) => isHuman(message) || isAi(message))
    .map(describe)
    .join("\n");
  const compared = rankByWords(present, text).slice(0, comparedFactsMax);
  const shown = compared.map(({ key, value }) => `[${key}] (${value.topic}) ${value.text}`).join("\n") || "(none)";
  const config = { ...options.config, tags: [...(options.config?.tags ?? []), "nostream", "holdfast:memory"] };
  const prompt = [
    new SystemMessage(instructions),
    new HumanMessage(`Present facts:\n${shown}\n\nConversation:\n${text}`),
  ];
  const { facts } = await structuredAnswer(options.model, changes, prompt, { name: "update_memory", config });
  const done: MemoryChanges = { added: [], updated: [], forgotten: [] };
  const byKey = new Map(present.map((item) => [item.key, item.value as MemoryFact]));
  for (const { action, key, topic, text: said } of facts) {
    const known = key !== undefined && byKey.has(key) ? key : undefined;
    if (action === "forget") {
      if (known === undefined) continue;
      await store.delete(namespace, known);
      byKey.delete(known);
      done.forgotten.push(known);
      continue;
    }
    const fact = said?.trim().slice(0, factCharactersMax);
    if (!fact) continue;
    const about = topic?.trim() || byKey.get(known ?? "")?.topic || "other";
    const target = known ?? findTwin(byKey, about, fact) ?? keyOf(fact);
    if (byKey.get(target)?.text === fact) continue;
    (byKey.has(target) ? done.updated : done.added).push(target);
    const value: MemoryFact = { text: fact, topic: about, updatedAt: new Date().toISOString() };
    await store.put(namespace, target, value, ["text"]);
    byKey.set(target, value);
  }
  await forgetOldest(store, namespace, byKey, factsMax);
  return done;
}

/**
 * Facts that matter for `query`, the most relevant first, within a token budget: by meaning where the store has an index, else by the
 * words in common, then the newest.
 * @param tokensMax estimated. @default 400
 */
export async function recall(store: BaseStore, userId: string, query: string, tokensMax = 400): Promise<MemoryFact[]> {
  const found = await store.search(memoryNamespace(userId), { query, limit: recallCandidatesMax });
  const hasScores = found.some(({ score }) => typeof score === "number");
  const ranked = hasScores ? found : rankByWords(found, query);
  const facts: MemoryFact[] = [];
  let tokens = 0;
  for (const { value } of ranked) {
    tokens += estimateTextTokens(`- ${value.text}\n`);
    if (tokens > tokensMax) break;
    facts.push(value as MemoryFact);
  }
  return facts;
}

/** Erases everything remembered of a user; returns how many facts went. */
export async function forgetUser(store: BaseStore, userId: string): Promise<number> {
  const namespace = memoryNamespace(userId);
  let count = 0;
  for (;;) {
    const items = await store.search(namespace, { limit: 100 });
    if (items.length === 0) return count;
    for (const { key } of items) await store.delete(namespace, key);
    count += items.length;
  }
}

/** The same fact again, or another about the same topic, unless that topic says nothing. */
function findTwin(byKey: Map<string, MemoryFact>, topic: string, text: string): string | undefined {
  const plain = plainText(text);
  for (const [key, fact] of byKey) {
    if (plainText(fact.text) === plain) return key;
    if (topic !== "other" && plainText(fact.topic) === plainText(topic)) return key;
  }
  return undefined;
}

async function forgetOldest(
  store: BaseStore,
  namespace: string[],
  byKey: Map<string, MemoryFact>,
  factsMax: number,
): Promise<void> {
  const oldest = [...byKey]
    .sort(([, a], [, b]) => (a.updatedAt < b.updatedAt ? -1 : 1))
    .slice(0, Math.max(0, byKey.size - factsMax));
  for (const [key] of oldest) await store.delete(namespace, key);
}

function rankByWords<Found extends Pick<Item, "value">>(items: Found[], query: string): Found[] {
  const words = wordsOf(query);
  const scored = items.map((item) => {
    const { text, topic, updatedAt } = item.value as MemoryFact;
    const own = wordsOf(`${topic} ${text}`);
    return { item, common: [...own].filter((word) => words.has(word)).length, updatedAt };
  });
  scored.sort((a, b) => b.common - a.common || (a.updatedAt > b.updatedAt ? -1 : 1));
  return scored.map(({ item }) => item);
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu));
}

function plainText(text: string): string {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(" ");
}

/** By its words, so that a step done twice writes the same item. */
function keyOf(text: string): string {
  return createHash("sha256").update(plainText(text)).digest("hex").slice(0, 16);
}

function describe(message: BaseMessage): string {
  return `${isHuman(message) ? "User" : "Assistant"}: ${message.text}`;
}
