// The one catalogue of errors: every failure a client or operator can see has a class, a stable code, an HTTP status and says whether a retry can help.

/** What every catalogued error carries besides its message. */
export interface ErrorTraits {
  /** Stable, machine-readable name; never changes once released. */
  readonly code: string;
  /** HTTP status a client gets. */
  readonly status: number;
  /** Whether the same request can succeed later without being changed. */
  readonly isRetryable: boolean;
}

/** Base of all errors that may reach a client; anything else is reported as `internal_error` without its message. */
export abstract class HoldfastError extends Error implements ErrorTraits {
  abstract readonly code: string;
  abstract readonly status: number;
  readonly isRetryable: boolean = false;
  /** Seconds for a `Retry-After` header, where a wait helps. */
  readonly retryAfterSeconds: number | undefined = undefined;
  /** Further headers of the answer. */
  readonly headers: Readonly<Record<string, string>> | undefined = undefined;

  override get name(): string {
    return this.constructor.name;
  }
}

/** The request's body or parameters do not fit the contract. */
export class InvalidRequestError extends HoldfastError {
  readonly code = "invalid_request";
  readonly status = 422;
}

/** The body is not JSON at all. */
export class MalformedJsonError extends HoldfastError {
  readonly code = "malformed_json";
  readonly status = 400;
}

/** The request cannot be carried out on this object as it is (for example a thread without a graph). */
export class BadRequestError extends HoldfastError {
  readonly code = "bad_request";
  readonly status = 400;
}

/** The body is larger than `requestBodyBytesMax`. */
export class PayloadTooLargeError extends HoldfastError {
  readonly code = "payload_too_large";
  readonly status = 413;
  constructor(bytesMax: number) {
    super(
      `The request body is larger than the limit of ${bytesMax} bytes. Raise HOLDFAST_REQUEST_BODY_BYTES_MAX if it should be accepted.`,
    );
  }
}

/** The components of the project file's `ui` cannot be built. */
export class UserInterfaceError extends HoldfastError {
  readonly code = "user_interface";
  readonly status = 422;
}

/** Content was stored encrypted and cannot be read with the keys this process has. */
export class SealedContentError extends HoldfastError {
  readonly code = "sealed_content";
  readonly status = 409;
  constructor(keyId: string, problem: string) {
    super(`Stored content is encrypted with the key "${keyId}", ${problem}.`);
  }
}

/** A thread, run, assistant, checkpoint, ... that does not exist or is not visible to the caller. */
export class NotFoundError extends HoldfastError {
  readonly code = "not_found";
  readonly status = 404;
}

/** The object exists already, or its state forbids the request now. */
export class ConflictError extends HoldfastError {
  readonly code = "conflict";
  readonly status = 409;
}

/** A run was sent with strategy `reject` to a thread that has a run pending or running. */
export class ThreadBusyError extends HoldfastError {
  readonly code = "thread_busy";
  readonly status = 409;
  constructor(
    message = "Thread is already running a task. Wait for it to finish or choose a different multitask strategy.",
  ) {
    super(message);
  }
}

/** Another request with the same idempotency key is being carried out. */
export class IdempotencyKeyInFlightError extends HoldfastError {
  readonly code = "idempotency_key_in_flight";
  readonly status = 409;
  override readonly isRetryable = true;
  override readonly retryAfterSeconds = 1;
  constructor() {
    super("A request with this Idempotency-Key is still being carried out. Try again in a moment for its answer.");
  }
}

/** The idempotency key belongs to another request. */
export class IdempotencyKeyReusedError extends HoldfastError {
  readonly code = "idempotency_key_reused";
  readonly status = 422;
  constructor() {
    super("This Idempotency-Key was used for a request with another method, path or body. Use a new key.");
  }
}

/** The caller is not who it must be. */
export class UnauthenticatedError extends HoldfastError {
  readonly code = "unauthenticated";
  readonly status = 401;
  override readonly headers: Readonly<Record<string, string>> = { "www-authenticate": "Bearer" };
}

/** The project's own authentication or authorisation handler refused, with a status and headers of its choice. */
export class AuthRefusedError extends HoldfastError {
  readonly code = "refused_by_auth";
  readonly status: number;
  override readonly headers: Readonly<Record<string, string>>;
  constructor(message: string, options: { status?: number; headers?: Readonly<Record<string, string>> } = {}) {
    super(message);
    this.status = options.status ?? 403;
    this.headers = options.headers ?? {};
  }
}

/** The caller is known but may not do this. */
export class ForbiddenError extends HoldfastError {
  readonly code = "forbidden";
  readonly status = 403;
}

/** Whoever must say who the caller is cannot be asked now. */
export class AuthUnavailableError extends HoldfastError {
  readonly code = "auth_unavailable";
  readonly status = 503;
  override readonly isRetryable = true;
  override readonly retryAfterSeconds = 5;
}

/** More runs are waiting than `queueDepthMax` allows. */
export class QueueFullError extends HoldfastError {
  readonly code = "queue_full";
  readonly status = 503;
  override readonly isRetryable = true;
  override readonly retryAfterSeconds = 5;
  constructor(depthMax: number) {
    super(`The run queue is full (${depthMax} runs waiting). Try again later or raise HOLDFAST_QUEUE_DEPTH_MAX.`);
  }
}

/** PostgreSQL cannot be reached or refused to work (connection lost, starting up, disk full). */
export class DatabaseUnavailableError extends HoldfastError {
  readonly code = "database_unavailable";
  readonly status = 503;
  override readonly isRetryable = true;
  override readonly retryAfterSeconds = 2;
}

/** The process is draining and takes no new work. */
export class ShuttingDownError extends HoldfastError {
  readonly code = "shutting_down";
  readonly status = 503;
  override readonly isRetryable = true;
  override readonly retryAfterSeconds = 2;
  constructor() {
    super("The server is shutting down. Try again in a moment.");
  }
}

/** The writer's epoch is no longer the thread's: another worker owns it now. Never shown to a client. */
export class LeaseLostError extends HoldfastError {
  readonly code = "lease_lost";
  readonly status = 409;
  readonly threadId: string;
  constructor(threadId: string) {
    super(`The lease on thread ${threadId} was lost to another worker; this write was refused.`);
    this.threadId = threadId;
  }
}

/** A graph file is missing, does not compile, throws on import or exports nothing usable. */
export class GraphLoadError extends HoldfastError {
  readonly code = "graph_load_failed";
  readonly status = 422;
}

/** A setting or the project file is wrong; stops the start. */
export class ConfigurationError extends HoldfastError {
  readonly code = "configuration_invalid";
  readonly status = 500;
}

/** Something this server does not offer. A 4xx on purpose: SDK clients retry 5xx. */
export class NotSupportedError extends HoldfastError {
  readonly code = "not_supported";
  readonly status = 422;
}

/** The path is a WebSocket's, and the request did not ask for one. */
export class UpgradeRequiredError extends HoldfastError {
  readonly code = "upgrade_required";
  readonly status = 426;
  constructor() {
    super("This path is a WebSocket. Ask for an upgrade, or POST to it for server-sent events.");
  }
}

/** A run was claimed `attemptMax` times and never reached an end. */
export class AttemptsExhaustedError extends HoldfastError {
  readonly code = "attempts_exhausted";
  readonly status = 500;
  constructor(attemptMax: number, reason: string) {
    super(`The run was given up after ${attemptMax} attempts: ${reason}`);
  }
}

/** A run, node or idle stream took longer than its limit. */
export class RunTimeoutError extends HoldfastError {
  readonly code = "run_timeout";
  readonly status = 504;
}

/** A budget has no room for a call of a model, which was therefore not made. */
export class BudgetExceededError extends HoldfastError {
  readonly code = "budget_exceeded";
  readonly status = 402;
  /** Spec of the model that may be called instead, where the budget names one and has room for it. */
  readonly cheaperModel: string | undefined;
  constructor(message: string, cheaperModel?: string) {
    super(message);
    this.cheaperModel = cheaperModel;
  }
}

/** A budget is kept in money, and the price of the model is unknown; the call was not made. */
export class PriceUnknownError extends HoldfastError {
  readonly code = "price_unknown";
  readonly status = 402;
  constructor(model: string) {
    super(
      `The price of the model "${model}" is unknown, so a budget in money cannot be kept. Name its price under usage.prices in the ` +
        'project file, or set usage.unknown_price to "allow".',
    );
  }
}

/** Anything not in this catalogue; the message is logged, never sent. */
export class InternalError extends HoldfastError {
  readonly code = "internal_error";
  readonly status = 500;
  constructor(requestId?: string) {
    super(
      requestId === undefined
        ? "Internal error."
        : `Internal error. The server log has the details under request id ${requestId}.`,
    );
  }
}
