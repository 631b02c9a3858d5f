// Asks for somebody else's things through every operation of openapi.json, and compares the answers with those for things that do not exist.
import { readFileSync } from "node:fs";
import { send } from "../harness/plain-http.ts";

interface ApiDocument {
  paths: Record<
    string,
    Record<string, { tags: string[]; requestBody?: { content: Record<string, { example?: unknown }> } }>
  >;
}

/** Ids of one tenant's things, or of nothing at all. */
export interface Targets {
  thread_id: string;
  run_id: string;
  assistant_id: string;
  checkpoint_id: string;
  cron_id: string;
  /** First label of the store's namespace. */
  namespace: string;
}

export interface ProbeAnswer {
  operation: string;
  status: number;
  /** With the ids taken out, so that answers about different things can be compared. */
  text: string;
}

/** Bodies for operations whose targets stand in the body; `undefined` sends the document's example. */
const BODIES: Record<string, (targets: Targets) => unknown> = {
  "post /assistants": ({ assistant_id }) => ({ graph_id: "agent", assistant_id, if_exists: "do_nothing" }),
  "post /threads": ({ thread_id }) => ({ thread_id, if_exists: "do_nothing" }),
  "post /threads/search": ({ thread_id }) => ({ ids: [thread_id] }),
  "post /threads/prune": ({ thread_id }) => ({ thread_ids: [thread_id] }),
  "patch /threads/{thread_id}": () => ({ metadata: { stolen: true } }),
  "patch /threads/{thread_id}/state": () => ({ metadata: { stolen: true } }),
  "post /threads/{thread_id}/state": () => ({ values: { done: 99 }, as_node: "step" }),
  "post /threads/{thread_id}/state/checkpoint": ({ checkpoint_id }) => ({ checkpoint: { checkpoint_id } }),
  "post /threads/{thread_id}/history": () => ({ limit: 5 }),
  "patch /assistants/{assistant_id}": () => ({ metadata: { stolen: true } }),
  "post /assistants/{assistant_id}/latest": () => ({ version: 1 }),
  "post /assistants/{assistant_id}/versions": () => ({}),
  "post /runs/cancel": ({ run_id, thread_id }) => ({ run_ids: [run_id], thread_id }),
  "put /store/items": ({ namespace }) => ({ namespace: [namespace, "notes"], key: "secret", value: { stolen: true } }),
  "delete /store/items": ({ namespace }) => ({ namespace: [namespace, "notes"], key: "secret" }),
  "post /store/items/search": ({ namespace }) => ({ namespace_prefix: [namespace] }),
  "post /store/namespaces": ({ namespace }) => ({ prefix: [namespace] }),
};

/** Bodies that start a run: with the other's assistant where the path has nothing of the other's. */
function runBody(path: string, { assistant_id }: Targets): unknown {
  return path.includes("{thread_id}") ? { assistant_id: "steps" } : { assistant_id };
}

const QUERIES: Record<string, (targets: Targets) => string> = {
  "get /store/items": ({ namespace }) => `?namespace=${namespace}.notes&key=secret`,
  "post /runs/cancel": () => "?action=rollback",
};

/** Streams that show what they have at once; those that wait for more are cut after it. */
const document = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8")) as ApiDocument;

/** `method path` of every operation that is not open to everybody. */
export const GUARDED_OPERATIONS: string[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([, { tags }]) => !tags.includes("System"))
    .map(([method]) => `${method} ${path}`),
);

/** One operation about `targets`, asked with `headers`. */
export async function probe(
  url: string,
  operation: string,
  targets: Targets,
  headers: Record<string, string>,
): Promise<ProbeAnswer> {
  const [method, path] = operation.split(" ") as [string, string];
  const { requestBody } = document.paths[path]![method]!;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => targets[name as keyof Targets] ?? "x");
  const startsRun = /^post .*\/runs(\/stream|\/wait|\/batch)?$/.test(operation);
  const made = startsRun ? runBody(path, targets) : BODIES[operation]?.(targets);
  const body = made ?? (requestBody && Object.values(requestBody.content)[0]?.example) ?? (requestBody && {});
  const sent = operation.endsWith("/batch") ? [body] : body;
  const query = QUERIES[operation]?.(targets) ?? "";
  const answer = await send(method.toUpperCase(), `${url}${filled}${query}`, sent, {
    ...headers,
    "last-event-id": "-1",
  });
  let text = answer.text;
  for (const [name, id] of Object.entries(targets)) text = text.replaceAll(id, `<${name}>`);
  return { operation, status: answer.status, text };
}
