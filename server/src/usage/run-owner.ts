// Whom a run's usage belongs to: its user and tenant, as authentication told the server, never as a client claims.
import type { CallOwner } from "../domain/ports/usage-ledger.ts";
import type { Run } from "../domain/run.ts";

/** @param tenantField the field of the authenticated user that names the tenant */
export function ownerOf(run: Run, tenantField: string): CallOwner {
  const configurable = run.kwargs.config.configurable ?? {};
  const user = configurable.langgraph_auth_user as Record<string, unknown> | undefined;
  return {
    assistantId: run.assistantId,
    graphId: run.kwargs.graphId,
    userId: nameOf(configurable.langgraph_auth_user_id),
    tenantId: nameOf(user?.[tenantField]),
    runAttempt: run.attempt,
  };
}

export function nameOf(value: unknown): string | null {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : null;
}
