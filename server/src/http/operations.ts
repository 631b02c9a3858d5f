// Every operation of the server, in the order of the API reference.

import { postA2a } from "./a2a/a2a.ts";
import { getAgentCard, getAgentCardByQuery } from "./a2a/agent-card.ts";
import { countAssistants } from "./langgraph/assistants/count.ts";
import { createAssistant } from "./langgraph/assistants/create.ts";
import { deleteAssistant } from "./langgraph/assistants/delete.ts";
import { getAssistant } from "./langgraph/assistants/get.ts";
import { drawAssistantGraph } from "./langgraph/assistants/graph.ts";
import { getAssistantSchemas } from "./langgraph/assistants/schemas.ts";
import { searchAssistants } from "./langgraph/assistants/search.ts";
import { setLatestAssistantVersion } from "./langgraph/assistants/set-latest.ts";
import { getAssistantSubgraph, listAssistantSubgraphs } from "./langgraph/assistants/subgraphs.ts";
import { updateAssistant } from "./langgraph/assistants/update.ts";
import { listAssistantVersions } from "./langgraph/assistants/versions.ts";
import { createRunBatch } from "./langgraph/runs/batch.ts";
import { cancelRuns } from "./langgraph/runs/cancel.ts";
import { createStatelessRun } from "./langgraph/runs/create.ts";
import { countCrons } from "./langgraph/runs/crons/count.ts";
import { createStatelessCron } from "./langgraph/runs/crons/create.ts";
import { deleteCron } from "./langgraph/runs/crons/delete.ts";
import { getCron } from "./langgraph/runs/crons/get.ts";
import { searchCrons } from "./langgraph/runs/crons/search.ts";
import { updateCron } from "./langgraph/runs/crons/update.ts";
import { joinStatelessRunStream } from "./langgraph/runs/join-stream.ts";
import { streamStatelessRun } from "./langgraph/runs/stream.ts";
import { waitStatelessRun } from "./langgraph/runs/wait.ts";
import { deleteStoreItem } from "./langgraph/store/items/delete.ts";
import { getStoreItem } from "./langgraph/store/items/get.ts";
import { putStoreItem } from "./langgraph/store/items/put.ts";
import { searchStoreItems } from "./langgraph/store/items/search.ts";
import { listStoreNamespaces } from "./langgraph/store/namespaces.ts";
import { sendThreadCommand } from "./langgraph/threads/commands.ts";
import { copyThread } from "./langgraph/threads/copy.ts";
import { countThreads } from "./langgraph/threads/count.ts";
import { createThread } from "./langgraph/threads/create.ts";
import { deleteThread } from "./langgraph/threads/delete.ts";
import { getThread } from "./langgraph/threads/get.ts";
import { getThreadHistory } from "./langgraph/threads/history/get.ts";
import { postThreadHistory } from "./langgraph/threads/history/post.ts";
import { pruneThreads } from "./langgraph/threads/prune.ts";
import { cancelThreadRun } from "./langgraph/threads/runs/cancel.ts";
import { createThreadRun } from "./langgraph/threads/runs/create.ts";
import { createThreadCron } from "./langgraph/threads/runs/crons/create.ts";
import { deleteThreadRun } from "./langgraph/threads/runs/delete.ts";
import { getThreadRun } from "./langgraph/threads/runs/get.ts";
import { joinThreadRun } from "./langgraph/threads/runs/join.ts";
import { joinThreadRunStream } from "./langgraph/threads/runs/join-stream.ts";
import { listThreadRuns } from "./langgraph/threads/runs/list.ts";
import { streamThreadRun } from "./langgraph/threads/runs/stream.ts";
import { waitThreadRun } from "./langgraph/threads/runs/wait.ts";
import { searchThreads } from "./langgraph/threads/search.ts";
import { getThreadState } from "./langgraph/threads/state/get.ts";
import { getThreadStateAtCheckpoint } from "./langgraph/threads/state/get-at-checkpoint.ts";
import { patchThreadState } from "./langgraph/threads/state/patch.ts";
import { postThreadStateCheckpoint } from "./langgraph/threads/state/post-checkpoint.ts";
import { updateThreadState } from "./langgraph/threads/state/update.ts";
import { streamThreadEvents } from "./langgraph/threads/stream/events.ts";
import { joinThreadStream } from "./langgraph/threads/stream/join.ts";
import { openThreadSocket } from "./langgraph/threads/stream/socket.ts";
import { updateThread } from "./langgraph/threads/update.ts";
import { postMcp } from "./mcp/mcp.ts";
import type { Operation } from "./operation.ts";
import { getDocs, getDocsFile } from "./system/docs.ts";
import { getHome } from "./system/home.ts";
import { getInfo } from "./system/info.ts";
import { getMetrics } from "./system/metrics.ts";
import { getOk } from "./system/ok.ts";
import { truncate } from "./system/truncate.ts";
import { getUserInterfaceFile } from "./ui/file.ts";
import { loadUserInterface } from "./ui/load.ts";
import { readBudgets } from "./usage/budgets.ts";
import { listModelCalls } from "./usage/calls.ts";
import { reportUsage } from "./usage/report.ts";

const ASSISTANTS: Operation[] = [
  createAssistant,
  searchAssistants,
  countAssistants,
  getAssistant,
  updateAssistant,
  deleteAssistant,
  drawAssistantGraph,
  getAssistantSchemas,
  listAssistantSubgraphs,
  getAssistantSubgraph,
  listAssistantVersions,
  setLatestAssistantVersion,
];

const THREADS: Operation[] = [
  createThread,
  searchThreads,
  countThreads,
  pruneThreads,
  getThread,
  updateThread,
  deleteThread,
  copyThread,
  getThreadState,
  updateThreadState,
  patchThreadState,
  postThreadStateCheckpoint,
  getThreadStateAtCheckpoint,
  getThreadHistory,
  postThreadHistory,
  joinThreadStream,
  sendThreadCommand,
  streamThreadEvents,
  openThreadSocket,
];

const THREAD_RUNS: Operation[] = [
  createThreadRun,
  streamThreadRun,
  waitThreadRun,
  listThreadRuns,
  getThreadRun,
  deleteThreadRun,
  joinThreadRun,
  joinThreadRunStream,
  cancelThreadRun,
];

const STATELESS_RUNS: Operation[] = [
  createStatelessRun,
  streamStatelessRun,
  waitStatelessRun,
  createRunBatch,
  cancelRuns,
  joinStatelessRunStream,
];

const USAGE: Operation[] = [reportUsage, listModelCalls, readBudgets];

const CRONS: Operation[] = [
  createStatelessCron,
  createThreadCron,
  searchCrons,
  countCrons,
  getCron,
  updateCron,
  deleteCron,
];

const STORE: Operation[] = [putStoreItem, getStoreItem, deleteStoreItem, searchStoreItems, listStoreNamespaces];

const PROTOCOLS: Operation[] = [postMcp, postA2a, getAgentCard, getAgentCardByQuery];

const SYSTEM: Operation[] = [getOk, getInfo, getMetrics, truncate, getHome, getDocs, getDocsFile];

export const OPERATIONS: readonly Operation[] = [
  ...ASSISTANTS,
  ...THREADS,
  ...THREAD_RUNS,
  ...STATELESS_RUNS,
  ...CRONS,
  ...STORE,
  ...USAGE,
  ...PROTOCOLS,
  ...SYSTEM,
  loadUserInterface,
  getUserInterfaceFile,
];
