// An Auth object that keeps tenants apart as most projects would: whoever makes a thing owns it, and nobody else's is seen.
import { Auth, HTTPException } from "@langchain/langgraph-sdk/auth";

interface Written {
  metadata?: Record<string, unknown> | null;
  namespace?: string[] | null;
}

const WRITES = new Set(["create", "create_run", "update"]);

export const auth = new Auth()
  .authenticate(async (request: Request) => {
    const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
    if (token === undefined) throw new HTTPException(401, { message: "Who are you?" });
    return { identity: token, permissions: [] };
  })
  .on("*", ({ value, user, resource, action }) => {
    const written = value as Written;
    if (resource === "store") return confine(written, user.identity, action);
    if (WRITES.has(action) && (action !== "update" || written.metadata)) {
      const { created_by: _, ...kept } = written.metadata ?? {};
      written.metadata = { ...kept, owner: user.identity };
    }
    const own = { owner: user.identity };
    if (resource !== "assistants" || WRITES.has(action) || action === "delete") return own;
    return { $or: [own, { created_by: "system" }] } as unknown as { owner: string };
  });

function confine(written: Written, identity: string, action: string): boolean {
  if ((written.namespace ?? []).length === 0 && (action === "search" || action === "list_namespaces")) {
    written.namespace = [identity];
  }
  return written.namespace?.[0] === identity;
}
