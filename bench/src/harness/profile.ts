// Tells what a server's processor time went into: a profile of its processes, split by whose code was at work.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { listNodeProcesses } from "./process-usage.ts";

/**
 * Milliseconds of the main threads; time in which nothing was to be done is left out. On a busy machine they hold time spent waiting for a
 * processor, too: ratios between them are what to trust.
 */
export interface ProfileShares {
  /** In the checkpointer, the repositories and the database's driver, and in whatever they called. */
  persistenceMs: number;
  garbageMs: number;
  /** LangGraph, HTTP, the writing of answers and all else. */
  otherMs: number;
}

export interface Profiler extends AsyncDisposable {
  /** Environment for the server to be looked into. */
  env: Record<string, string>;
  /** Profiles the processes of Node among `rootPid` and its descendants that are there now. */
  start(rootPid: number): Promise<void>;
  /** Those that have ended meanwhile are left out. */
  stop(): Promise<ProfileShares>;
}

const HOOK = fileURLToPath(new URL("./profile-hook.js", import.meta.url));
/** Whose code counts as persistence: Holdfast's, the official saver's with its serializer, the driver's. */
const PERSISTENCE = /\/server\/dist\/postgres\/|\/node_modules\/(pg|pg-[a-z-]+)\/|\/langgraph-checkpoint(-postgres)?\//;
const IDLE = new Set(["(idle)", "(program)", "(root)"]);
const SIGNAL_PAUSE_MS = 200;
/** A process that serves nothing may be too busy to write; the one that serves is known by what it did. */
const WRITE_MAX_MS = 8_000;

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: number[];
}

interface CpuProfile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

export async function openProfiler(): Promise<Profiler> {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-bench-profile-"));
  let profiled: number[] = [];
  /** Signals those that are profiled and keeps those that are still there. */
  const signal = async (): Promise<void> => {
    profiled = profiled.filter((pid) => isSignalled(pid));
    await new Promise((resolve) => setTimeout(resolve, SIGNAL_PAUSE_MS));
  };
  return {
    env: { NODE_OPTIONS: `--import ${HOOK}`, HOLDFAST_BENCH_PROFILE_DIR: dir },
    async start(rootPid) {
      const names = await readdir(dir);
      for (const name of names) if (name.endsWith(".json")) await rm(join(dir, name));
      const ready = new Set(names);
      profiled = (await listNodeProcesses(rootPid)).filter((pid) => ready.has(`${pid}.ready`));
      await signal();
    },
    async stop() {
      await signal();
      const shares = (await readProfiles(dir, profiled.length)).map(sharesOf);
      const sum = (key: keyof ProfileShares) => shares.reduce((total, share) => total + share[key], 0);
      const total = { persistenceMs: sum("persistenceMs"), garbageMs: sum("garbageMs"), otherMs: sum("otherMs") };
      if (total.persistenceMs === 0) throw new Error("the process that served wrote no profile");
      return total;
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

function isSignalled(pid: number): boolean {
  try {
    return process.kill(pid, "SIGUSR2");
  } catch {
    return false;
  }
}

/** Waits for the files and reads them. */
async function readProfiles(dir: string, expected: number): Promise<CpuProfile[]> {
  const deadlineMs = Date.now() + WRITE_MAX_MS;
  for (;;) {
    const names = (await readdir(dir)).filter((name) => name.endsWith(".json"));
    const texts = await Promise.all(names.map((name) => readFile(join(dir, name), "utf8")));
    const profiles = texts.map(parse).filter((profile) => profile !== undefined);
    if (profiles.length >= expected || Date.now() > deadlineMs) return profiles;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** `undefined` for a file that is not written to its end yet. */
function parse(text: string): CpuProfile | undefined {
  try {
    return JSON.parse(text) as CpuProfile;
  } catch {
    return undefined;
  }
}

function sharesOf({ nodes, samples, timeDeltas }: CpuProfile): ProfileShares {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const kinds = new Map<number, keyof ProfileShares | "idle">();
  const kindOf = (id: number): keyof ProfileShares | "idle" => {
    const { functionName } = byId.get(id)!.callFrame;
    if (functionName === "(garbage collector)") return "garbageMs";
    if (IDLE.has(functionName)) return "idle";
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { url } = byId.get(at)!.callFrame;
      if (PERSISTENCE.test(url)) return "persistenceMs";
      if (url.endsWith("/profile-hook.js")) return "idle";
    }
    return "otherMs";
  };
  const shares: ProfileShares = { persistenceMs: 0, garbageMs: 0, otherMs: 0 };
  samples.forEach((id, index) => {
    const kind = kinds.get(id) ?? kindOf(id);
    kinds.set(id, kind);
    if (kind !== "idle") shares[kind] += timeDeltas[index]! / 1_000;
  });
  return shares;
}
