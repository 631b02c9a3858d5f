// Notices from another thread that the main thread is stuck in synchronous code, and looks where.
import { Session } from "node:inspector";
import { basename } from "node:path";
import type { Blockage } from "../../domain/ports/lease-keeper.ts";
import { BEAT_INTERVAL_MS, BLOCKED_MIN_MS } from "./keeper-messages.ts";

/** The part of a paused call frame that is of use. */
interface CallFrame {
  callFrameId: string;
  functionName: string;
  location: { scriptId: string };
}

/** A frame with the file it is from. */
interface Place {
  callFrameId: string;
  functionName: string;
  url: string;
}

interface EvaluationAnswer {
  result: { value?: unknown };
}

const PAUSE_MAX_MS = 2_000;
/** LangGraph calls a node's function from here; the frame's `this.name` is the node's name. */
const NODE_FRAME = /@langchain\/langgraph\/dist\/utils\.c?js$/;

export class BlockageWatch {
  readonly #beat: Int32Array;
  readonly #runIds: () => string[];
  readonly #report: (blockage: Blockage) => void;
  readonly #timer: NodeJS.Timeout;
  #lastBeat = -1;
  #lastBeatAtMs = performance.now();
  #current: Blockage | undefined;

  constructor(beat: Int32Array, runIds: () => string[], report: (blockage: Blockage) => void) {
    this.#beat = beat;
    this.#runIds = runIds;
    this.#report = report;
    this.#timer = setInterval(() => this.#look(), BEAT_INTERVAL_MS);
  }

  /** How long the main thread has been silent. */
  get blockedMs(): number {
    return performance.now() - this.#lastBeatAtMs;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const beat = Atomics.load(this.#beat, 0);
    const blockedMs = this.blockedMs;
    if (beat !== this.#lastBeat) {
      this.#lastBeat = beat;
      this.#lastBeatAtMs = performance.now();
      if (this.#current !== undefined) this.#report({ ...this.#current, blockedMs: Math.round(blockedMs) });
      this.#current = undefined;
    } else if (blockedMs >= BLOCKED_MIN_MS && this.#current === undefined) {
      const blockage: Blockage = { blockedMs, where: undefined, runIds: this.#runIds() };
      this.#current = blockage;
      void findPlace().then((where) => {
        blockage.where = where;
      });
    }
  }
}

/** Pauses the main thread for an instant and reads its stack. `undefined` where that is not possible. */
async function findPlace(): Promise<string | undefined> {
  const session = new Session();
  try {
    session.connectToMainThread();
    const places = await pausedPlaces(session);
    const place = places.find(({ url }) => url !== "" && !/^node:|node_modules/.test(url)) ?? places[0];
    const node = await nodeName(session, places);
    session.post("Debugger.resume");
    if (place === undefined) return undefined;
    // No line: the loader for TypeScript puts a file's code on one.
    const at = `${place.functionName || "an anonymous function"} in ${basename(place.url.replace(/\?.*/, ""))}`;
    return node === undefined ? at : `node "${node}" (${at})`;
  } catch {
    return undefined;
  } finally {
    session.disconnect();
  }
}

function pausedPlaces(session: Session): Promise<Place[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the main thread did not pause")), PAUSE_MAX_MS);
    const urls = new Map<string, string>();
    session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url));
    session.once("Debugger.paused", ({ params }) => {
      clearTimeout(timer);
      const frames = params.callFrames as unknown as CallFrame[];
      resolve(frames.map((frame) => ({ ...frame, url: urls.get(frame.location.scriptId) ?? "" })));
    });
    session.post("Debugger.enable");
    session.post("Debugger.pause");
  });
}

function nodeName(session: Session, places: Place[]): Promise<string | undefined> {
  const frame = places.find(({ url }) => NODE_FRAME.test(url));
  if (frame === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const parameters = { callFrameId: frame.callFrameId, expression: "this?.name", returnByValue: true };
    session.post("Debugger.evaluateOnCallFrame", parameters, (error, answer) => {
      const value: unknown = error === null ? (answer as EvaluationAnswer).result.value : undefined;
      resolve(typeof value === "string" ? value : undefined);
    });
  });
}
