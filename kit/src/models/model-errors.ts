// Errors of choosing and configuring a model; each has a stable code and says what to do.

/** A model could not be set up as asked. `code` is stable; the message names what to change. */
export class ModelConfigError extends Error {
  /** Stable, machine-readable reason. */
  readonly code:
    | "unknown_provider"
    | "missing_model_name"
    | "missing_api_key"
    | "invalid_setting"
    | "model_not_allowed";

  constructor(code: ModelConfigError["code"], message: string) {
    super(message);
    this.name = "ModelConfigError";
    this.code = code;
  }
}
