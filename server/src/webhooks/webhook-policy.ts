// Where a webhook may go: asked when a run is created, and again with the addresses the name stands for when it is sent.
import { isIP } from "node:net";
import { InvalidRequestError } from "../domain/errors.ts";
import type { WebhookRules } from "../domain/webhook.ts";
import { addressKind } from "./address-kind.ts";

/** A place that a notice may be sent to. */
export interface WebhookTarget {
  url: URL;
  /** Whether the connection may be made to this address of the host. */
  allowsAddress(address: string): boolean;
}

const DEFAULT_PORTS: Record<string, number> = { "http:": 80, "https:": 443 };

/** Stands for this server while a path is checked; never connected to. */
const OWN_ORIGIN = "http://own.invalid";

export class WebhookPolicy {
  readonly #rules: WebhookRules;
  readonly #ownUrl: () => string | undefined;

  /** @param ownUrl where this server can be reached, for paths */
  constructor(rules: WebhookRules, ownUrl: () => string | undefined = () => undefined) {
    this.#rules = rules;
    this.#ownUrl = ownUrl;
  }

  /** @throws InvalidRequestError saying what is not allowed. What the host's name stands for is not looked up. */
  requireAllowed(text: string): void {
    this.#parse(text);
  }

  /** @throws InvalidRequestError as `requireAllowed`, or when this server has no address of its own for a path */
  targetOf(text: string): WebhookTarget {
    const { url, isOwnPath } = this.#parse(text);
    if (!isOwnPath) return { url, allowsAddress: (address) => this.#allowsAddress(hostOf(url), address) };
    const own = this.#ownUrl();
    if (own === undefined) throw refusal("a path has no meaning here: the process that sends does not know the server");
    return { url: new URL(text, own), allowsAddress: () => true };
  }

  #parse(text: string): { url: URL; isOwnPath: boolean } {
    const rules = this.#rules;
    if (!rules.isEnabled) throw refusal("webhooks are switched off on this server (http.disable_webhooks)");
    if (text.length > rules.urlCharsMax) throw refusal(`longer than ${rules.urlCharsMax} characters`);
    if (text.startsWith("/")) return { url: this.#parsePath(text), isOwnPath: true };
    if (!URL.canParse(text)) throw refusal("not a URL");
    const url = new URL(text);
    if (url.protocol !== "https:" && url.protocol !== "http:") throw refusal("must be an http(s) URL");
    if (rules.isHttpsRequired && url.protocol !== "https:") throw refusal("must be an https URL");
    const port = url.port === "" ? DEFAULT_PORTS[url.protocol]! : Number(url.port);
    if (rules.allowedPorts !== undefined && !rules.allowedPorts.includes(port)) {
      throw refusal(`port ${port} is not among webhooks.url.allowed_ports`);
    }
    this.#checkHost(hostOf(url));
    return { url, isOwnPath: false };
  }

  #parsePath(text: string): URL {
    if (!this.#rules.isOwnPathAllowed) {
      throw refusal("a path of this server is allowed only with webhooks.url.disable_loopback: false");
    }
    // `//host/path` and `/\host` are URLs of another host in disguise.
    if (!URL.canParse(text, OWN_ORIGIN) || new URL(text, OWN_ORIGIN).origin !== OWN_ORIGIN) throw refusal("not a path");
    return new URL(text, OWN_ORIGIN);
  }

  #checkHost(host: string): void {
    const { allowedDomains } = this.#rules;
    if (allowedDomains !== undefined && !allowedDomains.some((domain) => matchesDomain(host, domain))) {
      throw refusal(`${host} is not among webhooks.url.allowed_domains`);
    }
    const address = isIP(host) > 0 ? host : isLocalName(host) ? "127.0.0.1" : undefined;
    if (address !== undefined && !this.#allowsAddress(host, address)) {
      throw refusal(`${host} is a ${addressKind(address)} address, which webhooks may not reach`);
    }
  }

  /** A host that is listed by its own name may be anywhere; a wildcard would let everyone below it choose the address. */
  #allowsAddress(host: string, address: string): boolean {
    const kind = addressKind(address);
    if (kind === "public") return true;
    const isListed = this.#rules.allowedDomains?.some((domain) => domain.toLowerCase() === host) === true;
    if (kind === "loopback") return isListed || this.#rules.isLoopbackAllowed;
    if (kind === "private") return isListed || this.#rules.isPrivateAllowed;
    return isListed && host === address;
  }
}

/** The host's name without brackets and final dot. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$|\.$/g, "").toLowerCase();
}

function isLocalName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}

function matchesDomain(host: string, domain: string): boolean {
  const wanted = domain.toLowerCase();
  return wanted.startsWith("*.") ? host.endsWith(wanted.slice(1)) : host === wanted;
}

function refusal(reason: string): InvalidRequestError {
  return new InvalidRequestError(`webhook: ${reason}`);
}
