// Sends one notice: a POST to an address that was checked after the name was looked up, without following redirects.
import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { InvalidRequestError } from "../domain/errors.ts";
import type { WebhookTarget } from "./webhook-policy.ts";

export interface WebhookAnswer {
  status: number;
  /** What the receiver asked for, where it did. */
  retryAfterMs: number | undefined;
}

/** Idle connections are kept this long for the next notice. */
const IDLE_MS = 5_000;

export class WebhookSender implements Disposable {
  readonly #agents: { "http:": HttpAgent; "https:": HttpsAgent };
  readonly #lookup: typeof systemLookup;

  /** @param lookup resolves names; tests hand in their own */
  constructor(options: { socketsMax: number; lookup?: typeof systemLookup }) {
    const agentOptions = { keepAlive: true, maxSockets: options.socketsMax, timeout: IDLE_MS };
    this.#agents = { "http:": new HttpAgent(agentOptions), "https:": new HttpsAgent(agentOptions) };
    this.#lookup = options.lookup ?? systemLookup;
  }

  /** @throws InvalidRequestError when the name stands for no allowed address; Node's errors when it cannot be reached */
  send(
    target: WebhookTarget,
    body: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<WebhookAnswer> {
    const isSecure = target.url.protocol === "https:";
    const options = {
      method: "POST",
      agent: this.#agents[isSecure ? "https:" : "http:"],
      headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
      lookup: guardLookup(target, this.#lookup),
      signal,
    };
    return new Promise((resolve, reject) => {
      const request = (isSecure ? httpsRequest : httpRequest)(target.url, options, (response) => {
        // The status is the answer; what follows is read only so that the connection can be used again.
        response.on("error", () => undefined).resume();
        resolve({ status: response.statusCode ?? 0, retryAfterMs: readRetryAfter(response) });
      });
      request.on("error", reject).end(body);
    });
  }

  [Symbol.dispose](): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }
}

/**
 * Looks the name up and hands on only the allowed addresses, which are then the ones connected to: a name that stands for
 * another address a moment later gains nothing.
 */
function guardLookup(target: WebhookTarget, lookup: typeof systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, "");
      const [first, ...rest] = addresses.filter(({ address }) => target.allowsAddress(address));
      if (first === undefined) {
        return callback(new InvalidRequestError("webhook: the host has no address that webhooks may reach"), "");
      }
      if (options.all) callback(null, [first, ...rest]);
      else callback(null, first.address, first.family);
    });
  };
}

function readRetryAfter(response: IncomingMessage): number | undefined {
  const seconds = Number(response.headers["retry-after"]);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined;
}
