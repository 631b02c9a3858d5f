// I8: the usage ledger against the provider's own bill, call by call: to the token where the provider told, and as close as a broken call allows.
import { setTimeout as sleep } from "node:timers/promises";
import type { ProviderStub } from "@holdfast/provider-stubs";
import type { Pool } from "pg";
import type { Violation } from "./check-input.ts";

/** Marks requests of a test's own, which are on the bill but no run's. */
export const NO_RUN_HEADER = "x-no-run";

/** What a provider generates until it notices that a connection was closed is known to it alone: at 10 ms a token, half a second of a busy machine. */
const UNSEEN_TOKENS_MAX = 50;

/** How long the stub may take to notice the last one. */
const BILL_WAIT_MAX_MS = 5_000;

interface Entry {
  provider_call_id: string | null;
  outcome: string;
  is_estimated: boolean;
  input_tokens: number;
  output_tokens: number;
}

export interface UsageCheck {
  violations: Violation[];
  counts: Record<string, number>;
}

/** Compares when nothing runs any more. */
export async function checkUsage(pool: Pool, stub: ProviderStub): Promise<UsageCheck> {
  const deadlineMs = Date.now() + BILL_WAIT_MAX_MS;
  while (stub.calls.some(({ endedAt }) => endedAt === undefined) && Date.now() < deadlineMs) await sleep(20);
  const { rows } = await pool.query<Entry>(
    `select provider_call_id, outcome, is_estimated, input_tokens::float8 as input_tokens, output_tokens::float8 as output_tokens
     from usage_entry`,
  );
  const foreign = new Set(stub.calls.filter(({ headers }) => NO_RUN_HEADER in headers).map(({ id }) => id));
  const bill = stub.bill.entries.filter(({ callId }) => !foreign.has(callId));
  const violations: Violation[] = [];
  const complain = (detail: string) => violations.push({ invariant: "I8", detail });
  const byCall = new Map<string, Entry>();
  for (const entry of rows) {
    if (entry.outcome === "running") complain("an entry of a call is never settled");
    const callId = /call-\d+$/.exec(entry.provider_call_id ?? "")?.[0];
    if (callId === undefined) continue;
    if (byCall.has(callId)) complain(`${callId} is in the ledger twice`);
    byCall.set(callId, entry);
  }
  let [exact, estimated, unseen, outputOff] = [0, 0, 0, 0];
  for (const { callId, inputTokens, outputTokens } of bill) {
    const entry = byCall.get(callId);
    if (entry === undefined) {
      unseen++;
      continue;
    }
    byCall.delete(callId);
    const off = Math.abs(entry.output_tokens - outputTokens);
    const words = `${callId}: ${entry.input_tokens} and ${entry.output_tokens} tokens in the ledger, ${inputTokens} and ${outputTokens} on the bill`;
    if (entry.is_estimated) {
      estimated++;
      outputOff += off;
      if (off > UNSEEN_TOKENS_MAX) complain(`an estimate is too far off, ${words}`);
    } else {
      exact++;
      if (off > 0 || entry.input_tokens !== inputTokens) complain(words);
    }
  }
  for (const callId of byCall.keys()) complain(`${callId} is in the ledger but not on the bill`);
  // Of these not a piece arrived before they were broken off; each has an entry all the same, without the provider's id.
  const withoutId = rows.filter((entry) => entry.provider_call_id === null && entry.outcome !== "completed").length;
  if (unseen > withoutId)
    complain(`${unseen} billed calls, but only ${withoutId} broken-off entries that could be theirs`);
  const sum = (key: "input_tokens" | "output_tokens") => rows.reduce((total, entry) => total + entry[key], 0);
  return {
    violations,
    counts: {
      billedCalls: bill.length,
      ledgerEntries: rows.length,
      callsEqualToTheToken: exact,
      callsEstimated: estimated,
      outputTokensOffInEstimates: outputOff,
      billedCallsCutOffUnseen: unseen,
      ledgerInputTokens: sum("input_tokens"),
      billInputTokens: bill.reduce((total, entry) => total + entry.inputTokens, 0),
      ledgerOutputTokens: sum("output_tokens"),
      billOutputTokens: bill.reduce((total, entry) => total + entry.outputTokens, 0),
    },
  };
}
