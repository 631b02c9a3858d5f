// The root graph's values as a run streams them: the last of them, and their events without the lists that checkpoints hold.
import type { NewStreamEvent, StoredEvent } from "../domain/stream-event.ts";
import { isLongList, withoutLongLists } from "./thread-values.ts";
import { wireJson } from "./wire-json.ts";

/** LangGraph's key for interrupts in `values` and `updates`. */
const INTERRUPT_KEY = "__interrupt__";

/** Where the long lists of a thread's values are saved. */
export interface ListHomes {
  threadId: string;
  /** Id of a committed checkpoint that holds this very list. */
  findHome: (list: unknown[]) => string | undefined;
  /** Resolves when there is one, or when there will be none. */
  whenSaved: (list: unknown[]) => Promise<void>;
}

/** What stands around the values in an event. */
export interface ValuesFrame {
  before: string;
  after: string;
  /** The key they stand under. */
  key: string;
}

export function isInterruptOnly(payload: unknown): boolean {
  return typeof payload === "object" && payload !== null && INTERRUPT_KEY in payload;
}

function hasLongList(values: unknown): values is object {
  return typeof values === "object" && values !== null && Object.values(values).some(isLongList);
}

function framed(frame: ValuesFrame | undefined, json: string): string {
  return frame === undefined ? json : `${frame.before}${json}${frame.after}`;
}

export class RootValues {
  readonly #lists: ListHomes | undefined;
  #last: unknown;
  #lastJson: string | undefined;
  #hasInterrupt = false;

  /** @param lists where long lists are saved; unset for runs without checkpoints */
  constructor(lists?: ListHomes) {
    this.#lists = lists;
  }

  /** The newest values, `undefined` before the first. */
  get last(): unknown {
    return this.#last;
  }

  /** Their JSON text, where it was written for an event. */
  get lastJson(): string | undefined {
    return this.#lastJson;
  }

  /** Whether the run stopped at an interrupt or a breakpoint. */
  get hasInterrupt(): boolean {
    return this.#hasInterrupt;
  }

  /** Takes the root graph's newest payload. */
  note(payload: unknown): void {
    if (isInterruptOnly(payload)) {
      this.#hasInterrupt = true;
      return;
    }
    this.#last = payload;
    this.#lastJson = undefined;
  }

  /** The event that shows the newest values. */
  toEvent(event: string, frame?: ValuesFrame): NewStreamEvent {
    const values = this.#last;
    if (this.#lists !== undefined && hasLongList(values)) return this.#toLongEvent(event, values, this.#lists, frame);
    const json = wireJson(values);
    this.#lastJson = json;
    return { event, data: framed(frame, json) };
  }

  /** Values with long lists are written out only for whoever is listening; stored are the checkpoints that hold the lists. */
  #toLongEvent(event: string, values: object, lists: ListHomes, frame: ValuesFrame | undefined): NewStreamEvent {
    const note = (json: string) => {
      if (this.#last === values) this.#lastJson = json;
    };
    let data: string | undefined;
    return {
      event,
      get data() {
        if (data === undefined) {
          const json = wireJson(values);
          note(json);
          data = framed(frame, json);
        }
        return data;
      },
      get stored(): StoredEvent | undefined {
        const stored = withoutLongLists(values, lists.threadId, lists.findHome);
        if (stored === undefined || frame === undefined) return stored;
        return { data: framed(frame, stored.data), omitted: { ...stored.omitted, within: frame.key } };
      },
      storable: Promise.all(Object.values(values).filter(isLongList).map(lists.whenSaved)),
    };
  }
}
