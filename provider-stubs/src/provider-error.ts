// An answer that refuses a request, in the words and shape of the provider.

/** Thrown by a route; the server sends status, headers and body as they are. */
export class ProviderError extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, body: unknown, headers: Record<string, string> = {}) {
    super(message);
    this.name = "ProviderError";
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}
