// Why a command of the event protocol was refused, in the protocol's own words.
import { AuthRefusedError, ForbiddenError, HoldfastError, UnauthenticatedError } from "../../../domain/errors.ts";

export type ProtocolErrorCode =
  | "invalid_argument"
  | "unknown_command"
  | "unknown_error"
  | "no_such_run"
  | "no_such_subscription"
  | "no_such_namespace"
  | "no_such_interrupt"
  | "no_such_checkpoint"
  | "permission_denied"
  | "not_supported";

/** A refusal that becomes an error frame; it is no failure of the request that carried the command. */
export class CommandRefusal extends Error {
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The refusal that stands for an error of the engine; `undefined` for one that a later try can get past. */
export function toRefusal(error: unknown): CommandRefusal | undefined {
  if (error instanceof CommandRefusal) return error;
  if (error instanceof ForbiddenError || error instanceof AuthRefusedError || error instanceof UnauthenticatedError) {
    return new CommandRefusal("permission_denied", error.message);
  }
  if (!(error instanceof HoldfastError) || error.isRetryable || error.status >= 500) return undefined;
  return new CommandRefusal("invalid_argument", error.message);
}
