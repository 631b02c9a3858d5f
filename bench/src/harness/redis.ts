// A Redis server for benches, from Debian's package, which can be frozen, flushed, killed and started again.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "./server-process.ts";

const START_MAX_MS = 20_000;
const COMMAND_MAX_MS = 5_000;

export interface Redis extends AsyncDisposable {
  url: string;
  pid(): number;
  /** Sends one command and returns the first bytes of the answer. */
  command(text: string): Promise<string>;
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  start(): Promise<void>;
}

export function isRedisInstalled(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

/** @throws when redis-server is not installed (Debian package `redis-server`) or does not start */
export async function startRedis(): Promise<Redis> {
  const port = await findFreePort();
  let child: ChildProcess;
  const redis: Redis = {
    url: `redis://127.0.0.1:${port}`,
    pid: () => child.pid ?? 0,
    command: (text) => sendCommand(port, text),
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
    async start() {
      child = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", tmpdir()], {
        stdio: "ignore",
      });
      child.once("error", () => undefined);
      for (const deadlineMs = Date.now() + START_MAX_MS; ; await sleep(20)) {
        if ((await redis.command("PING").catch(() => "")).startsWith("+PONG")) return;
        if (child.pid === undefined)
          throw new Error("redis-server cannot be started: install the package redis-server");
        if (Date.now() > deadlineMs) throw new Error("redis-server did not start");
      }
    },
    [Symbol.asyncDispose]: () => redis.kill(),
  };
  await redis.start();
  return redis;
}

function sendCommand(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`${text}\r\n`));
    socket.setTimeout(COMMAND_MAX_MS, () => socket.destroy(new Error("Redis does not answer")));
    socket.once("error", reject);
    socket.once("data", (answer) => {
      resolve(answer.toString());
      socket.destroy();
    });
  });
}
