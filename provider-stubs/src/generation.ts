// Generates a planned reply token by token: keeps the cadence, counts what is billed, and breaks off where a fault says so.

import { BrokenOff, type Exchange } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import type { CacheOutcome } from "./prompt-cache.ts";
import type { PlannedReply, ReplyToken } from "./reply.ts";

/** A token to send, or a fault that the provider's own format has to express. */
export type GenerationStep = ReplyToken | { kind: "malformed" } | { kind: "error-event" };

/** From here on the call is billed: its input at once, its output as it is generated. */
export function beginGeneration(exchange: Exchange, inputTokens: number, cache: CacheOutcome): void {
  exchange.call.usage = { inputTokens, ...cache, outputTokens: 0, reasoningTokens: 0 };
}

/**
 * Yields the tokens of a reply at their cadence.
 * @throws BrokenOff when the client has gone, and after a fault has ended the answer.
 */
export async function* generate(exchange: Exchange, plan: PlannedReply): AsyncGenerator<GenerationStep> {
  const { fault, usage } = exchange.call;
  const delayMs = fault?.kind === "slow-tokens" ? fault.tokenDelayMs : exchange.tokenDelayMs;
  const breakAt = breakingToken(fault, plan.tokens.length);
  for (let count = 0; count <= plan.tokens.length; count++) {
    if (count === breakAt) yield* breakOff(exchange, fault!);
    const token = plan.tokens[count];
    if (!token) return;
    if (delayMs > 0) await exchange.wait(delayMs);
    exchange.throwIfGone();
    usage!.outputTokens += token.cost;
    if (token.kind === "reasoning") usage!.reasoningTokens += token.cost;
    yield token;
  }
}

function breakingToken(fault: Fault | undefined, tokenCount: number): number | undefined {
  if (!fault || !("afterTokens" in fault || fault.kind === "malformed" || fault.kind === "error-event"))
    return undefined;
  return Math.min((fault as { afterTokens?: number }).afterTokens ?? 0, tokenCount);
}

async function* breakOff(exchange: Exchange, fault: Fault): AsyncGenerator<GenerationStep> {
  if (fault.kind === "drop") exchange.cut();
  if (fault.kind === "hang") await exchange.hang();
  if (fault.kind === "malformed" || fault.kind === "error-event") yield { kind: fault.kind };
  throw new BrokenOff(`the fault "${fault.kind}" ended the answer`);
}

/** Generates a whole reply for an answer that is not streamed, then sends it; a `malformed` fault cuts the body in half. */
export async function generateWhole(exchange: Exchange, plan: PlannedReply, present: () => unknown): Promise<void> {
  for await (const step of generate(exchange, plan)) {
    if (step.kind !== "malformed" && step.kind !== "error-event") continue;
    const body = JSON.stringify(present());
    exchange.sendJson(200, body.slice(0, Math.floor(body.length / 2)));
  }
  exchange.sendJson(200, present());
}
