// Loaded into a server that a bench looks into (`node --import`): SIGUSR2 starts a processor profile, and again writes it to a file.
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { isMainThread } from "node:worker_threads";

const SAMPLING_INTERVAL_US = 500;

const dir = process.env.HOLDFAST_BENCH_PROFILE_DIR;
if (isMainThread && dir !== undefined) {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.setSamplingInterval", { interval: SAMPLING_INTERVAL_US });
  let isOn = false;
  process.on("SIGUSR2", () => {
    isOn = !isOn;
    if (isOn) session.post("Profiler.start");
    else session.post("Profiler.stop", (_error, stopped) => write(dir, stopped?.profile));
  });
}

/** Tells that the signal is heard: it would end a process that does not listen for it. */
if (dir !== undefined && isMainThread) writeFileSync(`${dir}/${process.pid}.ready`, "");

function write(dir: string, profile: unknown): void {
  writeFileSync(`${dir}/${process.pid}-${Date.now()}.json`, JSON.stringify(profile));
}
