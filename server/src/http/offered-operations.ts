// Which operations there are: those whose use case exists and whose group the project file has not switched off.
import type { HttpServices } from "./http-services.ts";
import type { Operation } from "./operation.ts";
import type { OperationGroup } from "./operation-groups.ts";
import { OPERATIONS } from "./operations.ts";

export function offeredOperations(services: HttpServices, disabled: ReadonlySet<OperationGroup>): Operation[] {
  return OPERATIONS.filter(
    (operation) =>
      (operation.isAvailable?.(services) ?? true) && !groupsOf(operation).some((group) => disabled.has(group)),
  );
}

function groupsOf({ tag, path }: Operation): OperationGroup[] {
  if (path.startsWith("/mcp")) return ["mcp"];
  if (path.startsWith("/a2a") || path.startsWith("/.well-known/agent")) return ["a2a"];
  if (path.startsWith("/ui/")) return ["ui"];
  switch (tag) {
    case "Assistants":
      return ["assistants"];
    case "Threads":
      // Commands and event streams of a thread start and follow runs.
      return /\/(commands|stream)(\/|$)/.test(path) ? ["threads", "runs"] : ["threads"];
    case "Thread runs":
    case "Stateless runs":
      return ["runs"];
    case "Store":
      return ["store"];
    case "System":
      // Whether the server is alive can always be asked.
      return path === "/ok" ? [] : ["meta"];
    default:
      return [];
  }
}
