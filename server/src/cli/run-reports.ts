// Runs as a terminal shows them: a table of many, the details of one, and JSON for programs.
import type { JsonObject } from "../domain/json.ts";
import type { RunReport } from "../domain/ports/run-administration.ts";
import { isQuarantined } from "../domain/run.ts";
import { formatTable } from "./table.ts";

/** Longest text of a cell, so that rows stay on one line. */
const CELL_CHARS_MAX = 60;

export function formatRunTable(reports: RunReport[]): string {
  return formatTable(
    ["RUN", "THREAD", "ASSISTANT", "STATUS", "ATTEMPT", "LOST", "CREATED", "ERROR"],
    reports.map((report) => [
      report.run.runId,
      report.run.threadId,
      report.run.kwargs.graphId,
      describeStatus(report),
      String(report.run.attempt),
      String(report.lostLeaseCount),
      report.run.createdAt.toISOString(),
      cut(report.run.error?.message ?? report.lastError ?? ""),
    ]),
  );
}

export function formatRunDetails(report: RunReport): string {
  const { run } = report;
  const lines: [string, string | null | undefined][] = [
    ["Run", run.runId],
    ["Thread", run.threadId],
    ["Assistant", `${run.assistantId} (graph ${run.kwargs.graphId})`],
    ["Status", describeStatus(report)],
    ["Priority", String(run.priority)],
    ["Created", run.createdAt.toISOString()],
    ["Due", run.availableAt.toISOString()],
    ["Started", run.startedAt?.toISOString()],
    ["Ended", run.endedAt?.toISOString()],
    ["Attempts", String(run.attempt)],
    ["Lost leases", String(report.lostLeaseCount)],
    ["Worker", report.leaseOwner],
    ["Lease until", report.leaseExpiresAt?.toISOString()],
    ["Last lost by", report.lastWorker],
    ["Lost at", report.lastLostAt?.toISOString()],
    ["Last words", report.lastError],
    ["Error", run.error && `${run.error.error}: ${run.error.message}`],
    ["Cancelled", run.cancelReason],
  ];
  const known = lines.filter(([, value]) => value !== null && value !== undefined);
  return known.map(([label, value]) => `${label.padEnd(14)}${value}`).join("\n");
}

/** The run as JSON in the API's names, with what only operators see. */
export function presentRunReport(report: RunReport): JsonObject {
  const { run } = report;
  return {
    run_id: run.runId,
    thread_id: run.threadId,
    assistant_id: run.assistantId,
    graph_id: run.kwargs.graphId,
    status: run.status,
    is_quarantined: isQuarantined(run),
    priority: run.priority,
    attempt: run.attempt,
    lost_lease_count: report.lostLeaseCount,
    lease_owner: report.leaseOwner,
    lease_expires_at: report.leaseExpiresAt,
    last_worker: report.lastWorker,
    last_error: report.lastError,
    last_lost_at: report.lastLostAt,
    error: run.error,
    created_at: run.createdAt,
    available_at: run.availableAt,
    started_at: run.startedAt,
    ended_at: run.endedAt,
  };
}

function describeStatus({ run }: RunReport): string {
  return isQuarantined(run) ? "error (given up)" : run.status;
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > CELL_CHARS_MAX ? `${line.slice(0, CELL_CHARS_MAX - 1)}…` : line;
}
