// What a process has used so far, from /proc: processor time and memory.
import { readdir, readFile, readlink } from "node:fs/promises";

/** Clock ticks a second in /proc, on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;
/** Places in /proc/PID/stat, counted after the name. */
const PARENT = 1;
const USER_TIME = 11;
const SYSTEM_TIME = 12;
const ENDED_CHILDREN_USER_TIME = 13;
const ENDED_CHILDREN_SYSTEM_TIME = 14;

async function readStat(pid: number | string): Promise<number[]> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
}

function toMs(ticks: number): number {
  return (ticks * 1000) / TICKS_PER_SECOND;
}

/** Processor time of a process since its start, user and system. */
export async function readCpuMs(pid: number): Promise<number> {
  const stat = await readStat(pid);
  return toMs(stat[USER_TIME]! + stat[SYSTEM_TIME]!);
}

/** A process and all its living descendants. */
async function readTree(rootPid: number): Promise<Map<number, number[]>> {
  const stats = new Map<number, number[]>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readStat(name).catch(() => undefined);
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  const tree = new Map<number, number[]>();
  const open = [rootPid];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const stat = stats.get(pid);
    if (stat !== undefined) tree.set(pid, stat);
    for (const [child, { [PARENT]: parent }] of stats) if (parent === pid) open.push(child);
  }
  return tree;
}

/** Processor time of a process and all its living descendants: `holdfast dev` watches from one process and serves from another. */
export async function readTreeCpuMs(rootPid: number): Promise<number> {
  let ticks = 0;
  for (const stat of (await readTree(rootPid)).values()) ticks += stat[USER_TIME]! + stat[SYSTEM_TIME]!;
  return toMs(ticks);
}

/** Processes of Node among a process and its descendants. */
export async function listNodeProcesses(rootPid: number): Promise<number[]> {
  const pids = [...(await readTree(rootPid)).keys()];
  const files = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/exe`).catch(() => "")));
  return pids.filter((_, index) => files[index] === process.execPath);
}

export async function readParentPid(pid: number): Promise<number> {
  return (await readStat(pid))[PARENT]!;
}

/** Processor time of all children a process has or had, but of one; to the nanosecond for living ones of a single thread. */
export async function readChildrenCpuMs(parentPid: number, exceptPid: number): Promise<number> {
  const parent = await readStat(parentPid);
  let sumMs = toMs(parent[ENDED_CHILDREN_USER_TIME]! + parent[ENDED_CHILDREN_SYSTEM_TIME]!);
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === exceptPid) continue;
    const stat = await readStat(name).catch(() => undefined);
    if (stat?.[PARENT] !== parentPid) continue;
    sumMs += (await readScheduledMs(name)) ?? toMs(stat[USER_TIME]! + stat[SYSTEM_TIME]!);
  }
  return sumMs;
}

/** Time on a processor as the scheduler counts it; `undefined` where the kernel does not. */
async function readScheduledMs(pid: string): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/schedstat`, "utf8").catch(() => "");
  const ns = Number(text.split(" ")[0]);
  return ns > 0 ? ns / 1e6 : undefined;
}

/** Resident memory of a process. */
export async function readRssBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
