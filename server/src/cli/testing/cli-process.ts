// Runs the `holdfast` command from its sources in a process of its own, as a person would.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const EMPTY_DIR = mkdtempSync(join(tmpdir(), "holdfast-cli-"));
const OUTPUT_WAIT_MAX_MS = 30_000;

/** How to run it. */
export interface CliOptions {
  /** Added to the environment; `undefined` removes a variable. */
  readonly env?: Record<string, string | undefined>;
  /** @default an empty folder: a project file left in a shared one would be taken for the user's */
  readonly cwd?: string;
}

/** A running command. */
export interface CliProcess {
  readonly child: ChildProcess;
  /** Everything printed so far, both streams. */
  output(): string;
  /** Waits until the output matches, and returns the match. @throws with the whole output when it never does or the command ends first. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits for the end. `code` is null when a signal ended it. */
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts `holdfast ...args`. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), MAIN, ...args], {
    cwd: options.cwd ?? EMPTY_DIR,
    env: { ...process.env, NODE_ENV: undefined, VITEST: undefined, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const closed = once(child, "close").then(([code, signal]) => ({ code, signal }));
  return {
    child,
    output: () => output,
    ended: () => closed,
    waitFor: async (pattern) => {
      let hasEnded = false;
      void closed.then(() => {
        hasEnded = true;
      });
      for (const deadline = Date.now() + OUTPUT_WAIT_MAX_MS; Date.now() < deadline; ) {
        const match = pattern.exec(output);
        if (match !== null) {
          return match;
        }
        if (hasEnded) {
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`${pattern} never came from holdfast ${args.join(" ")}:\n${output}`);
    },
  };
}

/** Runs `holdfast ...args` to its end. */
export async function runCli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<{ code: number | null; output: string }> {
  const cli = startCli(args, options);
  const { code } = await cli.ended();
  return { code, output: cli.output() };
}

/** Process ids of the living children of `pid` whose command line contains `word`. */
export async function listChildren(pid: number, word: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,command="]);
  return stdout.split("\n").flatMap((line) => {
    const [, child, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === pid && command?.includes(word) ? [Number(child)] : [];
  });
}
