// Test support: a checkpointer whose process dies at a chosen write. What was written before stays; nothing after gets through.
import { MemorySaver } from "@langchain/langgraph-checkpoint";
import { LeaseLostError } from "../../domain/errors.ts";

type Put = Parameters<MemorySaver["put"]>;
type PutWrites = Parameters<MemorySaver["putWrites"]>;

/** One write on its way to the checkpointer. */
export type Write = { kind: "put"; args: Put } | { kind: "putWrites"; args: PutWrites };

export class DyingSaver extends MemorySaver {
  #isDead = false;
  #deaths = 0;
  #shouldDie: ((write: Write) => boolean) | undefined;

  /** How often it died; a test that injects a fault has to see that it happened. */
  get deaths(): number {
    return this.#deaths;
  }

  /** Dies just before the first write for which `predicate` holds. */
  dieBefore(predicate: (write: Write) => boolean): void {
    this.#shouldDie = predicate;
  }

  /** A new process opens the same storage. */
  revive(): void {
    this.#isDead = false;
    this.#shouldDie = undefined;
  }

  override async put(...args: Put): ReturnType<MemorySaver["put"]> {
    this.#check({ kind: "put", args });
    return super.put(...args);
  }

  override async putWrites(...args: PutWrites): Promise<void> {
    this.#check({ kind: "putWrites", args });
    return super.putWrites(...args);
  }

  #check(write: Write): void {
    if (!this.#isDead && this.#shouldDie?.(write) === true) {
      this.#isDead = true;
      this.#deaths += 1;
    }
    if (this.#isDead) throw new LeaseLostError("the dead process");
  }
}
