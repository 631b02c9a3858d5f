// Timing helpers: percentiles, a fixed number of requests by a fixed number of clients, the CPU time of a process tree.
import { readFile } from "node:fs/promises";

export interface Latencies {
  count: number;
  meanMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

export function summarise(latenciesMs: number[]): Latencies {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  const meanMs = round(sorted.reduce((sum, value) => sum + value, 0) / Math.max(1, sorted.length));
  return { count: sorted.length, meanMs, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Runs `countMax` requests, `clients` at a time, and returns their latencies and the total rate. */
export async function runClients(
  clients: number,
  countMax: number,
  request: (index: number) => Promise<void>,
): Promise<{ latencies: Latencies; perSecond: number }> {
  const latenciesMs: number[] = [];
  let next = 0;
  const startedAtMs = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < countMax) {
        const index = next++;
        const atMs = performance.now();
        await request(index);
        latenciesMs.push(performance.now() - atMs);
      }
    }),
  );
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { latencies: summarise(latenciesMs), perSecond: round(countMax / seconds) };
}

/** Describes the machine for result files. */
export async function describeMachine(): Promise<Record<string, string | number>> {
  const cpu = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  const { availableParallelism, totalmem } = await import("node:os");
  return {
    cpu: /model name\s*:\s*(.*)/.exec(cpu)?.[1] ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    date: new Date().toISOString(),
  };
}
