// The server's own rule of who may see what: things belong to the owner who made them (`metadata.owner`), store items to the owner
// whose name their namespace begins with.
import { ADMIN_SCOPE, allowsAction } from "../domain/api-key.ts";
import { ForbiddenError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import type { AccessFilter } from "../domain/page.ts";
import type { AccessCheck, Authorizer } from "../domain/ports/authorizer.ts";
import type { Principal } from "../domain/principal.ts";
import { type Credentials, KEY_DETAIL, OWNER_DETAIL } from "./credentials.ts";
import { isStudioRequest, STUDIO_PRINCIPAL } from "./studio.ts";

/** Metadata key that names the owner. */
const OWNER_KEY = "owner";
/** Metadata of the assistants that exist for every graph; everybody may read them. */
const SYSTEM_MARK = { key: "created_by", value: "system" };

/** Actions that write metadata, or make what has some. */
const STAMPED_ACTIONS = new Set(["create", "create_run", "update"]);

export interface OwnerAuthorizerOptions {
  credentials: Credentials;
  /** Whether Studio's header is believed. */
  isStudioAllowed: boolean;
}

export class OwnerAuthorizer implements Authorizer {
  readonly #options: OwnerAuthorizerOptions;

  constructor(options: OwnerAuthorizerOptions) {
    this.#options = options;
  }

  async authenticate(request: Request): Promise<Principal> {
    const { credentials, isStudioAllowed } = this.#options;
    if (isStudioAllowed && isStudioRequest(request)) return STUDIO_PRINCIPAL;
    return credentials.authenticate(request);
  }

  async authorize(principal: Principal, check: AccessCheck): Promise<AccessFilter> {
    const { resource, action, value } = check;
    const isKey = principal.details[KEY_DETAIL] !== undefined;
    if (isKey && !allowsAction(principal.permissions, resource, action)) {
      throw new ForbiddenError(`The API key's scopes do not include ${resource}:${action}.`);
    }
    const owner = String(principal.details[OWNER_DETAIL] ?? principal.identity);
    const isAdmin = isKey && principal.permissions.includes(ADMIN_SCOPE);
    if (resource === "store") return isAdmin ? undefined : confineToNamespace(owner, action, value);
    if (STAMPED_ACTIONS.has(action)) stampOwner(owner, action, value, isAdmin);
    if (isAdmin) return undefined;
    const isOwn = { equals: { key: OWNER_KEY, value: owner } };
    const isRead = action === "read" || action === "search";
    return resource === "assistants" && isRead ? { or: [isOwn, { equals: SYSTEM_MARK }] } : isOwn;
  }
}

/** Nobody gives a thing to somebody else, takes it, or passes it off as the server's own. An administrator may name an owner. */
function stampOwner(owner: string, action: string, value: JsonObject, isAdmin: boolean): void {
  const metadata = value.metadata as JsonObject | null | undefined;
  const isNew = action !== "update";
  if (!isNew && (metadata === null || metadata === undefined)) return;
  const { [SYSTEM_MARK.key]: mark, ...rest } = metadata ?? {};
  const kept = mark === undefined || mark === SYSTEM_MARK.value ? rest : { ...rest, [SYSTEM_MARK.key]: mark };
  if (isAdmin) value.metadata = isNew ? { [OWNER_KEY]: owner, ...kept } : kept;
  else if (isNew || Object.keys(kept).length > 0) value.metadata = { ...kept, [OWNER_KEY]: owner };
  else value.metadata = kept;
}

/** Searches without a namespace look through the owner's; whatever names another's is refused, existing or not. */
function confineToNamespace(owner: string, action: string, value: JsonObject): AccessFilter {
  const label = ownerLabel(owner);
  const namespace = (value.namespace ?? []) as string[];
  if (namespace.length === 0 && (action === "search" || action === "list_namespaces")) {
    value.namespace = [label];
    return undefined;
  }
  if (namespace[0] !== label) {
    throw new ForbiddenError(`Items of yours are in namespaces that begin with ${JSON.stringify(label)}.`);
  }
  return undefined;
}

/** The owner as a namespace label, which may hold no period. */
export function ownerLabel(owner: string): string {
  return owner.replaceAll("%", "%25").replaceAll(".", "%2E");
}
