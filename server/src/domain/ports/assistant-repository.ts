// What the server asks of the place where assistants are kept.
import type { Assistant, AssistantPatch, AssistantSortKey, NewAssistant } from "../assistant.ts";
import type { JsonObject } from "../json.ts";
import type { AccessFilter, Page, PageQuery } from "../page.ts";

export interface AssistantQuery {
  metadata?: JsonObject;
  graphId?: string;
  /** Case-insensitive part of the name. */
  name?: string;
}

export interface AssistantRepository {
  /** @throws ConflictError when it exists and `ifExists` is `raise`. */
  createAssistant(assistant: NewAssistant, ifExists: "raise" | "do_nothing", access?: AccessFilter): Promise<Assistant>;
  findAssistant(assistantId: string, access?: AccessFilter): Promise<Assistant | undefined>;
  searchAssistants(
    query: AssistantQuery & PageQuery<AssistantSortKey>,
    access?: AccessFilter,
  ): Promise<Page<Assistant>>;
  countAssistants(query: AssistantQuery, access?: AccessFilter): Promise<number>;
  /** Always makes a new version. @throws NotFoundError */
  updateAssistant(assistantId: string, patch: AssistantPatch, access?: AccessFilter): Promise<Assistant>;
  /** Deletes all versions and, if asked, the threads whose metadata names the assistant. @throws NotFoundError */
  deleteAssistant(assistantId: string, options: { deleteThreads: boolean }, access?: AccessFilter): Promise<void>;
  /** Newest first. */
  listAssistantVersions(
    assistantId: string,
    query: { metadata?: JsonObject; limit: number; offset: number },
    access?: AccessFilter,
  ): Promise<Assistant[]>;
  /** Points the assistant at an existing version without making a new one. @throws NotFoundError */
  setLatestAssistantVersion(assistantId: string, version: number, access?: AccessFilter): Promise<Assistant>;
  /** Creates the assistants that exist for every graph, leaving existing ones alone except for name and description. */
  ensureSystemAssistants(assistants: NewAssistant[]): Promise<void>;
}
