// Kills the worker before every single write of a run, one after the other: whatever the moment, the conversation ends the same.
import { describe, expect, it } from "vitest";
import { LeaseLostError } from "../domain/errors.ts";
import type { ExecutionOutcome } from "../domain/ports/graph-runtime.ts";
import type { ClaimedRun } from "../domain/ports/run-queue.ts";
import type { RunKwargs } from "../domain/run.ts";
import { DyingSaver } from "./testing/dying-saver.ts";
import { claimAgain, claimNext, claimRun, createTestRuntime, execute } from "./testing/execution-harness.ts";

/** A conversation: the first run's input, and then an answer per run; `all` answers every open question by its id. */
interface Scenario {
  graphId: string;
  answers: ("all" | string)[];
  durability?: "sync" | "async" | "exit";
}

const SCENARIOS: Scenario[] = [
  { graphId: "counter:graph", answers: [] },
  { graphId: "counter:graph", answers: [], durability: "exit" },
  { graphId: "counter:graph", answers: [], durability: "sync" },
  { graphId: "interrupts:single", answers: ["same"] },
  { graphId: "interrupts:sequence", answers: ["same", "same", "same"] },
  { graphId: "interrupts:parallel", answers: ["all"] },
  { graphId: "interrupts:nested", answers: ["same", "same"] },
  { graphId: "interrupts:nestedSequence", answers: ["same", "same", "same"] },
  { graphId: "nested:top", answers: ["same"] },
];

/** Bound on claims of one run; each attempt here dies at most once. */
const ATTEMPT_MAX = 3;

interface Transcript {
  values: unknown[];
  questions: unknown[][];
  /** Writes each run made. */
  writeCounts: number[];
}

function openQuestions(outcome: ExecutionOutcome) {
  return Object.values(outcome.interrupts).flat();
}

function answer(claimed: ClaimedRun, outcome: ExecutionOutcome, text: string): ClaimedRun {
  if (text !== "all") return claimNext(claimed, { command: { resume: text } });
  const resume = Object.fromEntries(openQuestions(outcome).map(({ id, value }) => [id ?? "", `to ${value}`]));
  return claimNext(claimed, { command: { resume } });
}

/** Plays the scenario; in run number `crashRun` the worker dies before write number `crashWrite`. */
async function play(scenario: Scenario, crashRun = -1, crashWrite = -1): Promise<Transcript> {
  const saver = new DyingSaver();
  const runtime = createTestRuntime([scenario.graphId], saver);
  const transcript: Transcript = { values: [], questions: [], writeCounts: [] };
  const kwargs: Partial<Pick<RunKwargs, "durability">> = { durability: scenario.durability ?? "async" };
  const input = scenario.graphId.startsWith("counter") ? { count: 0 } : {};
  let claimed = claimRun(scenario.graphId, { input, durability: kwargs.durability ?? "async" });
  for (let index = 0; index <= scenario.answers.length; index++) {
    let writes = 0;
    let outcome: ExecutionOutcome | undefined;
    saver.dieBefore(() => {
      writes += 1;
      return index === crashRun && writes === crashWrite;
    });
    for (let attempt = 1; outcome === undefined && attempt <= ATTEMPT_MAX; attempt++) {
      try {
        outcome = (await execute(runtime, claimed)).outcome;
      } catch (error) {
        expect(error).toBeInstanceOf(LeaseLostError);
        saver.revive();
        claimed = claimAgain(claimed);
      }
    }
    if (outcome === undefined) throw new Error("The run came to no end.");
    expect(outcome.error).toBeNull();
    transcript.values.push(JSON.parse(outcome.values?.json ?? "null"));
    transcript.questions.push(openQuestions(outcome).map(({ value }) => value));
    transcript.writeCounts.push(writes);
    const next = scenario.answers[index];
    if (next !== undefined) claimed = answer(claimed, outcome, next);
  }
  if (crashRun >= 0) expect(saver.deaths).toBe(1);
  return transcript;
}

describe("a worker dying before any write", () => {
  it.each(SCENARIOS)("changes nothing about $graphId ($answers, $durability)", async (scenario) => {
    const { writeCounts, ...expected } = await play(scenario);
    for (const [crashRun, count] of writeCounts.entries()) {
      expect(count).toBeGreaterThan(0);
      for (let crashWrite = 1; crashWrite <= count; crashWrite++) {
        const { writeCounts: _writes, ...actual } = await play(scenario, crashRun, crashWrite);
        expect(actual, `run ${crashRun}, write ${crashWrite} of ${count}`).toEqual(expected);
      }
    }
  });
});
