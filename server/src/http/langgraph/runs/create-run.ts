// Asks the authoriser and then the engine for a run; what every door that creates runs has in common.
import { presentPrincipal } from "../../../auth/present-principal.ts";
import { ForbiddenError, HoldfastError, NotFoundError } from "../../../domain/errors.ts";
import { isUuid, systemAssistantId } from "../../../domain/ids.ts";
import { type JsonObject, omitUndefined } from "../../../domain/json.ts";
import type { AccessFilter } from "../../../domain/page.ts";
import type { Run } from "../../../domain/run.ts";
import { reserveRunIds } from "../../idempotency-key.ts";
import type { Caller } from "../../operation.ts";
import { addBudgetHeader } from "../../usage/budget-header.ts";
import { type RunCreateBody, toRunRequest } from "./run-create-body.ts";
import { runNotFound } from "./run-wire.ts";

export interface RunOrder {
  body: RunCreateBody;
  /** Absent for a stateless run. */
  threadId?: string;
  /** Whether the answer is the run's stream. */
  isFollowed?: boolean;
  /** Whether its events are those of the event protocol. */
  isProtocol?: boolean;
}

/**
 * The new run; for a request that was answered before, the run it created then.
 * @throws ForbiddenError, NotFoundError, ThreadBusyError, QueueFullError
 */
export async function createRun(caller: Caller, order: RunOrder): Promise<Run> {
  const { threadId, isFollowed, isProtocol } = order;
  const { access, body } = await authorizeRun(caller, order.body, threadId);
  const { creation } = caller;
  if (creation.answeredRunId !== undefined) return findAnsweredRun(caller, creation.answeredRunId);
  const trustedConfigurable = trustedKeys(caller);
  const ids = reserveRunIds(creation);
  const door = { isFollowed, isProtocol, trustedConfigurable, ids };
  const request = omitUndefined({ ...toRunRequest(body, threadId), ...door });
  const run = await caller.services.engine.createRun(request, access);
  await creation.runCreated(run);
  await addBudgetHeader(caller, run.threadId);
  return run;
}

/**
 * Asks whether the caller may create such a run, now or by a schedule; the body as the authoriser left it.
 * @throws ForbiddenError, NotFoundError for an assistant that is not there for the caller, InvalidRequestError for the webhook
 */
export async function authorizeRun(
  caller: Caller,
  body: RunCreateBody,
  threadId: string | undefined,
): Promise<{ access: AccessFilter; body: RunCreateBody }> {
  await requireVisibleAssistant(caller, body.assistant_id);
  const { assistant_id, metadata, multitask_strategy, if_not_exists, after_seconds, ...kwargs } = body;
  const value: JsonObject = {
    thread_id: threadId ?? null,
    assistant_id,
    status: "pending",
    metadata: metadata ?? {},
    prevent_insert_if_inflight: multitask_strategy === "reject",
    multitask_strategy: multitask_strategy ?? "enqueue",
    if_not_exists: if_not_exists ?? "reject",
    after_seconds: after_seconds ?? 0,
    kwargs,
  };
  const access = await caller.authorize("threads", "create_run", value);
  const changed = { ...body, ...(value.kwargs as typeof kwargs), metadata: value.metadata as JsonObject };
  if (changed.webhook) caller.services.webhooks.requireAllowed(changed.webhook);
  return { access, body: changed };
}

async function findAnsweredRun({ services }: Caller, runId: string): Promise<Run> {
  const run = await services.engine.findCreatedRun(runId);
  if (run === undefined) throw runNotFound();
  return run;
}

/** A stored assistant carries configuration of its owner's: who may not read it may not run it. A graph's own is for all. */
async function requireVisibleAssistant({ services, authorize }: Caller, assistantId: string): Promise<void> {
  if (services.graphs.hasGraph(assistantId)) return;
  const missing = () =>
    new NotFoundError(
      `No assistant found for "${assistantId}". Make sure the assistant ID is for a valid assistant or a valid graph ID.`,
    );
  if (!isUuid(assistantId)) throw missing();
  if (services.graphs.listGraphs().some(({ graphId }) => systemAssistantId(graphId) === assistantId)) return;
  const access = await authorize("assistants", "read", { assistant_id: assistantId });
  if (access === undefined) return;
  if ((await services.assistants.findAssistant(assistantId, access)) === undefined) throw missing();
}

/** What the graph may know of the request and of who asks; clients cannot set these keys themselves. */
export function trustedKeys({ principal, settings, context }: Caller): JsonObject | undefined {
  const headers = settings.configurableHeaders?.(context.req.raw.headers);
  if (!principal.isAuthenticated) return headers;
  return {
    ...headers,
    langgraph_auth_user: presentPrincipal(principal),
    langgraph_auth_user_id: principal.identity,
    langgraph_auth_permissions: principal.permissions,
  };
}

/** Cancels a run whose client has gone; nobody is left to hear of a failure, so it only reaches the log. */
export function cancelAbandonedRun({ services, context }: Caller, run: Run): void {
  services.engine.cancelRun(run.runId, run.threadId, { action: "interrupt", wait: false }).catch((error: unknown) => {
    if (error instanceof HoldfastError && !(error instanceof ForbiddenError)) return;
    const requestId = context.get("requestId");
    services.report.requestFailed({ requestId, method: "CANCEL", route: context.get("route"), error });
  });
}
