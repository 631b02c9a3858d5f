// The event protocol over one WebSocket: commands in, answers and the events of its subscriptions out.
import type { WebSocket } from "ws";
import { HoldfastError } from "../../../domain/errors.ts";
import { mintId } from "../../../domain/ids.ts";
import { type JsonObject, omitUndefined } from "../../../domain/json.ts";
import { toRunError } from "../../error-response.ts";
import type { Caller } from "../../operation.ts";
import {
  answerCommand,
  type CommandEnvelope,
  commandEnvelopeSchema,
  presentRefusal,
  presentSuccess,
} from "./command.ts";
import { tapeEventJson } from "./event-frame.ts";
import { parseSelection, selectTapeEvents } from "./event-selection.ts";
import { CommandRefusal, toRefusal } from "./protocol-error.ts";
import { openTape } from "./tape-access.ts";

const SUBSCRIPTIONS_MAX = 200;
/** Commands that may wait for the one before them. */
const COMMANDS_WAITING_MAX = 1_000;

/** 4000 plus the HTTP status. */
const TOO_MANY_REQUESTS = 4_429;
const UNAVAILABLE = 4_503;
/** The socket's own code for a reader that fell behind; clients come back for the rest. */
const TRY_AGAIN_LATER = 1_013;

export class ProtocolSocket {
  readonly #socket: WebSocket;
  readonly #caller: Caller;
  readonly #threadId: string;
  /** What ends each subscription, by its id. */
  readonly #subscriptions = new Map<string, () => void>();
  #commands: Promise<void> = Promise.resolve();
  #waitingCount = 0;
  #eventCount = 0;
  #isAlive = true;
  #largestFrameBytes = 0;

  constructor(socket: WebSocket, caller: Caller, threadId: string) {
    this.#socket = socket;
    this.#caller = caller;
    this.#threadId = threadId;
    const { report } = caller.services;
    const leavePulse = caller.pulses.heartbeat.join(() => this.#beat());
    report.streamOpened();
    socket.on("pong", () => {
      this.#isAlive = true;
    });
    socket.on("message", (data, isBinary) => this.#receive(isBinary ? undefined : String(data)));
    // Every error is followed by the close.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      leavePulse();
      for (const stop of this.#subscriptions.values()) stop();
      this.#subscriptions.clear();
      report.streamClosed({ eventCount: this.#eventCount });
    });
  }

  #beat(): void {
    if (!this.#isAlive) {
      this.#socket.terminate();
      return;
    }
    this.#isAlive = false;
    this.#socket.ping();
  }

  /** One command after the other, so that a run is never started before the subscriptions sent ahead of it. */
  #receive(text: string | undefined): void {
    if (this.#waitingCount >= COMMANDS_WAITING_MAX) {
      this.#socket.close(TOO_MANY_REQUESTS, "Too many commands at once");
      return;
    }
    this.#waitingCount += 1;
    this.#commands = this.#commands.then(async () => {
      this.#waitingCount -= 1;
      await this.#carryOut(text).catch((error: unknown) => this.#fail(error));
    });
  }

  async #carryOut(text: string | undefined): Promise<void> {
    const command = readCommand(text);
    if (command === undefined) {
      const refusal = new CommandRefusal(
        "invalid_argument",
        "A command is JSON text with an id, a method and, if any, params.",
      );
      this.#send(presentRefusal(null, refusal));
      return;
    }
    try {
      if (command.method === "subscription.subscribe") await this.#subscribe(command);
      else if (command.method === "subscription.unsubscribe") this.#unsubscribe(command);
      else this.#send(await answerCommand(this.#caller, this.#threadId, command));
    } catch (error) {
      const refusal = toRefusal(error) ?? this.#toUnknown(error);
      this.#send(presentRefusal(command.id, refusal));
    }
  }

  #toUnknown(error: unknown): CommandRefusal {
    const { context, services } = this.#caller;
    return new CommandRefusal("unknown_error", toRunError(error, context, services.report).message);
  }

  async #subscribe({ id, params }: CommandEnvelope): Promise<void> {
    const selection = parseSelection(params);
    if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX) {
      throw new CommandRefusal("invalid_argument", `A connection has at most ${SUBSCRIPTIONS_MAX} subscriptions.`);
    }
    const access = await openTape(this.#caller, this.#threadId);
    await this.#caller.services.engine.expectFollower(this.#threadId);
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const subscriptionId = mintId();
    const isSelected = selectTapeEvents(selection);
    // Clients drop events of a subscription they have not heard of: the answer goes out first.
    const result = { subscription_id: subscriptionId, replayed_events: 0 };
    this.#send(presentSuccess(id, this.#threadId, { result }));
    const stop = this.#caller.services.engine.followThread(
      this.#threadId,
      omitUndefined({ ...access, since: selection.since ?? undefined }),
      {
        events: (batch) => {
          for (const event of batch) if (isSelected(event)) this.#sendEvent(tapeEventJson(event));
        },
        failed: (error) => this.#fail(error),
      },
    );
    this.#subscriptions.set(subscriptionId, stop);
  }

  #unsubscribe({ id, params }: CommandEnvelope): void {
    const subscriptionId = params?.subscription_id;
    if (typeof subscriptionId !== "string") {
      throw new CommandRefusal("invalid_argument", "subscription.unsubscribe requires a subscription_id.");
    }
    const stop = this.#subscriptions.get(subscriptionId);
    if (stop === undefined) throw new CommandRefusal("no_such_subscription", `Unknown subscription: ${subscriptionId}`);
    this.#subscriptions.delete(subscriptionId);
    stop();
    this.#send(presentSuccess(id, this.#threadId, { result: {} }));
  }

  #send(frame: JsonObject): void {
    this.#sendText(JSON.stringify(frame));
  }

  #sendEvent(text: string): void {
    this.#eventCount += 1;
    this.#sendText(text);
  }

  /** A single frame may be larger than the limit: whoever still reads it is not behind. */
  #sendText(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const { services, settings, context } = this.#caller;
    const bytesBefore = this.#socket.bufferedAmount;
    this.#socket.send(text);
    const bufferedBytes = this.#socket.bufferedAmount;
    this.#largestFrameBytes = Math.max(this.#largestFrameBytes, bufferedBytes - bytesBefore);
    if (bufferedBytes <= settings.streamBufferBytesMax + this.#largestFrameBytes) return;
    services.report.streamCutOff({ requestId: context.get("requestId"), bufferedBytes });
    this.#socket.close(TRY_AGAIN_LATER, "Reading too slowly");
    this.#socket.terminate();
  }

  #fail(error: unknown): void {
    const { context, services } = this.#caller;
    if (!(error instanceof HoldfastError)) toRunError(error, context, services.report);
    const isFinal = error instanceof HoldfastError && error.status < 500;
    this.#socket.close(isFinal ? 4_000 + error.status : UNAVAILABLE);
  }
}

function readCommand(text: string | undefined): CommandEnvelope | undefined {
  try {
    return commandEnvelopeSchema.safeParse(JSON.parse(text ?? "")).data;
  } catch {
    return undefined;
  }
}
