// What carried a command of the event protocol out.
import type { JsonObject } from "../../../domain/json.ts";

export interface CommandOutcome {
  result: JsonObject;
  /** Number on the tape up to which everything was there before the command. @default 0, for unknown */
  appliedThroughSeq?: number;
}
