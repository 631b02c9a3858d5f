// `npm run bench -- NAME [--option value ...]`: runs one bench program.
import { overhead } from "./programs/overhead.ts";

/** Options of a program, by name, with defaults. */
export interface ProgramOptions {
  number(name: string, fallback: number): number;
  text(name: string, fallback: string): string;
  list(name: string, fallback: string): string[];
}

const PROGRAMS: Record<string, (options: ProgramOptions) => Promise<void>> = { overhead };

function parseOptions(args: string[]): ProgramOptions {
  const values = new Map<string, string>();
  for (let index = 0; index < args.length; index += 2) {
    const name = args[index]!;
    const value = args[index + 1];
    if (!name.startsWith("--") || value === undefined)
      throw new Error(`expected --option value, got ${args.slice(index).join(" ")}`);
    values.set(name.slice(2), value);
  }
  const text = (name: string, fallback: string) => values.get(name) ?? fallback;
  return {
    text,
    list: (name, fallback) => text(name, fallback).split(","),
    number(name, fallback) {
      const value = Number(text(name, String(fallback)));
      if (!Number.isFinite(value)) throw new Error(`--${name} must be a number, got ${text(name, "")}`);
      return value;
    },
  };
}

const [name, ...args] = process.argv.slice(2);
const program = PROGRAMS[name ?? ""];
if (program === undefined) {
  console.error(
    `Which program? One of: ${Object.keys(PROGRAMS).join(", ")}. For example: npm run bench -- overhead --clients 1,50`,
  );
  process.exitCode = 1;
} else {
  await program(parseOptions(args));
}
