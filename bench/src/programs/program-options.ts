// Options of a bench program as given on the command line: `--name value`, with defaults.

export interface ProgramOptions {
  number(name: string, fallback: number): number;
  text(name: string, fallback: string): string;
  list(name: string, fallback: string): string[];
}

/** @throws when an option has no value or a number is none */
export function parseOptions(args: string[]): ProgramOptions {
  const values = new Map<string, string>();
  for (let index = 0; index < args.length; index += 2) {
    const name = args[index]!;
    const value = args[index + 1];
    if (!name.startsWith("--") || value === undefined) {
      throw new Error(`expected --option value, got ${args.slice(index).join(" ")}`);
    }
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
