// `npm run bench -- NAME [--option value ...]`: runs one bench program.
import { chaos } from "./chaos/chaos.ts";
import { overhead } from "./programs/overhead.ts";
import { pickup } from "./programs/pickup.ts";
import { type ProgramOptions, parseOptions } from "./programs/program-options.ts";
import { recovery } from "./programs/recovery.ts";
import { scaling } from "./programs/scaling.ts";
import { search } from "./programs/search.ts";
import { sessions } from "./programs/sessions.ts";
import { turns } from "./programs/turns.ts";
import { tokens } from "./tokens/tokens.ts";

const PROGRAMS: Record<string, (options: ProgramOptions) => Promise<void>> = {
  chaos,
  overhead,
  pickup,
  recovery,
  scaling,
  search,
  sessions,
  tokens,
  turns,
};

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
