// A project's own Auth object: the bearer token is the identity, threads belong to whoever made them, "root" may do everything.
import { Auth, HTTPException } from "@langchain/langgraph-sdk/auth";

export const auth = new Auth()
  .authenticate(async (request: Request) => {
    const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
    if (token === undefined) {
      throw new HTTPException(401, { message: "Who are you?", headers: { "WWW-Authenticate": 'Basic realm="tests"' } });
    }
    if (token === "broken") throw new Error("the password of the database is hunter2");
    return { identity: token, permissions: ["a", "b"], role: `role-of-${token}` };
  })
  .on("*", () => false)
  .on("assistants", () => true)
  .on("threads", ({ value, user }) => {
    if (user.identity === "root") return true;
    const changed = value as { metadata?: Record<string, unknown> };
    if (changed.metadata !== undefined) changed.metadata = { ...changed.metadata, owner: user.identity };
    // The SDK's type knows neither $or nor $and; servers do.
    return { $or: [{ owner: user.identity }, { readers: { $contains: user.identity } }] } as unknown as {
      owner: string;
    };
  })
  .on("threads:delete", () => {
    throw new HTTPException(418, { message: "Nobody deletes here." });
  });

/** Decides by the server's own credentials who is there. */
export const rulesOnly = new Auth().on("threads", ({ value, user }) => {
  const changed = value as { metadata?: Record<string, unknown> };
  if (changed.metadata !== undefined) changed.metadata.owner = user.identity;
  return { owner: user.identity };
});
