// What a process has used so far, from /proc: processor time and memory.
import { readdir, readFile } from "node:fs/promises";

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

/** Processor time of a process and all its living descendants: `holdfast dev` watches from one process and serves from another. */
export async function readTreeCpuMs(rootPid: number): Promise<number> {
  const stats = new Map<number, number[]>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readStat(name).catch(() => undefined);
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  let ticks = 0;
  const open = [rootPid];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const stat = stats.get(pid);
    if (stat !== undefined) ticks += stat[USER_TIME]! + stat[SYSTEM_TIME]!;
    for (const [child, { [PARENT]: parent }] of stats) if (parent === pid) open.push(child);
  }
  return toMs(ticks);
}

export async function readParentPid(pid: number): Promise<number> {
  return (await readStat(pid))[PARENT]!;
}

/** Processor time of all children a process has or had, but of one. */
export async function readChildrenCpuMs(parentPid: number, exceptPid: number): Promise<number> {
  const parent = await readStat(parentPid);
  let ticks = parent[ENDED_CHILDREN_USER_TIME]! + parent[ENDED_CHILDREN_SYSTEM_TIME]!;
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === exceptPid) continue;
    const stat = await readStat(name).catch(() => undefined);
    if (stat?.[PARENT] === parentPid) ticks += stat[USER_TIME]! + stat[SYSTEM_TIME]!;
  }
  return toMs(ticks);
}

/** Resident memory of a process. */
export async function readRssBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
