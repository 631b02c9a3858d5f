// The SDK's own Auth object against the authoriser: lookup, results, filters, refusals.
import { Auth, HTTPException } from "@langchain/langgraph-sdk/auth";
import { expect, test } from "vitest";
import { AuthRefusedError, ConfigurationError, ForbiddenError, UnauthenticatedError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import { ANONYMOUS, type Principal } from "../domain/principal.ts";
import { readAuthHandlers } from "./auth-handlers.ts";
import { HandlerAuthorizer } from "./handler-authorizer.ts";

function authorizer(auth: object, isStudioAllowed = false): HandlerAuthorizer {
  const authenticate = async () => ANONYMOUS;
  return new HandlerAuthorizer({ handlers: readAuthHandlers(auth, "auth.ts:auth"), authenticate, isStudioAllowed });
}

const request = (headers: Record<string, string> = {}, init: RequestInit = {}) =>
  new Request("http://127.0.0.1/threads", { ...init, headers });

const ada: Principal = { ...ANONYMOUS, identity: "ada", displayName: "Ada", isAuthenticated: true, permissions: ["p"] };

/** What a single handler's result means. */
function decide(result: unknown, value: JsonObject = {}) {
  const auth = { "~handlerCache": { callbacks: { "*": () => result } } };
  return authorizer(auth).authorize(ada, { resource: "threads", action: "read", value });
}

test("authenticate may return an identity or a user with whatever else it knows", async () => {
  const auth = new Auth().authenticate(async (asked) => {
    const name = asked.headers.get("authorization") ?? "";
    if (name === "text") return "ada";
    return { identity: name, permissions: ["read"], display_name: "B", is_authenticated: true, role: "admin" };
  });
  expect(await authorizer(auth).authenticate(request({ authorization: "text" }))).toMatchObject({
    identity: "ada",
    isAuthenticated: true,
    permissions: [],
  });
  expect(await authorizer(auth).authenticate(request({ authorization: "bob" }))).toEqual({
    identity: "bob",
    displayName: "B",
    permissions: ["read"],
    isAuthenticated: true,
    details: { role: "admin" },
  });
});

test("a handler that reads the body leaves it for the operation", async () => {
  const auth = new Auth().authenticate(async (asked) => `${(await asked.text()).length} ${asked.method} ${asked.url}`);
  const asked = request({}, { method: "POST", body: "{}" });
  expect((await authorizer(auth).authenticate(asked)).identity).toBe("0 POST http://127.0.0.1/threads");
  expect(await asked.text()).toBe("{}");
});

test("an exception with a status is the answer, with its headers; nothing returned is nobody; anything else is a defect", async () => {
  const refuse = (error: unknown) => authorizer({ "~handlerCache": { authenticate: () => Promise.reject(error) } });
  const failure = refuse(new HTTPException(401, { message: "No.", headers: { "WWW-Authenticate": "Basic" } }));
  await expect(failure.authenticate(request())).rejects.toMatchObject({
    status: 401,
    message: "No.",
    headers: { "www-authenticate": "Basic" },
  });
  await expect(failure.authenticate(request())).rejects.toBeInstanceOf(AuthRefusedError);
  const secret = new Error("password of the database");
  await expect(refuse(secret).authenticate(request())).rejects.toBe(secret);
  // A status that is no refusal cannot be an answer to one.
  const odd = new HTTPException(200);
  await expect(refuse(odd).authenticate(request())).rejects.toBe(odd);
  const nobody = authorizer({ "~handlerCache": { authenticate: () => undefined } });
  await expect(nobody.authenticate(request())).rejects.toBeInstanceOf(UnauthenticatedError);
  const nameless = authorizer({ "~handlerCache": { authenticate: () => ({ permissions: [] }) } });
  await expect(nameless.authenticate(request())).rejects.toBeInstanceOf(TypeError);
});

test("the most specific handler decides alone", async () => {
  const called: string[] = [];
  const auth = new Auth();
  for (const event of ["threads:create", "threads", "*:create", "*"] as const) {
    auth.on(event as "threads", () => {
      called.push(event);
    });
  }
  const ask = (resource: "threads" | "assistants", action: string) =>
    authorizer(auth).authorize(ada, { resource, action, value: {} });
  await ask("threads", "create");
  await ask("threads", "read");
  await ask("assistants", "create");
  await ask("assistants", "read");
  expect(called).toEqual(["threads:create", "threads", "*:create", "*"]);
  expect(await authorizer(new Auth()).authorize(ada, { resource: "store", action: "put", value: {} })).toBeUndefined();
});

test("a handler is told everything and may change the value", async () => {
  const auth = new Auth().on("threads:create", ({ event, resource, action, value, user, permissions }) => {
    const metadata = { ...value.metadata, seen: [event, resource, action, user.identity, permissions] };
    Object.assign(value, { metadata });
  });
  const value: JsonObject = { metadata: { a: 1 } };
  await authorizer(auth).authorize(ada, { resource: "threads", action: "create", value });
  expect(value.metadata).toEqual({ a: 1, seen: ["threads:create", "threads", "create", "ada", ["p"]] });
});

test("results: nothing and true allow, false refuses, anything that is no filter fails", async () => {
  for (const result of [undefined, null, true, {}]) expect(await decide(result)).toBeUndefined();
  await expect(decide(false)).rejects.toBeInstanceOf(ForbiddenError);
  await expect(decide("yes")).rejects.toBeInstanceOf(TypeError);
  await expect(decide({ owner: { $ne: "x" } })).rejects.toThrow("$ne is no operator");
  await expect(decide({ $not: [] })).rejects.toThrow("$not is no operator");
  await expect(decide({ $or: { a: 1 } })).rejects.toThrow("needs a list");
});

test("filters become rules", async () => {
  expect(await decide({ owner: "ada" })).toEqual({ equals: { key: "owner", value: "ada" } });
  expect(await decide({ owner: { $eq: "ada" } })).toEqual({ equals: { key: "owner", value: "ada" } });
  expect(await decide({ team: { $contains: "x" } })).toEqual({ contains: { key: "team", values: ["x"] } });
  expect(await decide({ team: { $contains: ["x", "y"] }, n: 1 })).toEqual({
    and: [{ contains: { key: "team", values: ["x", "y"] } }, { equals: { key: "n", value: 1 } }],
  });
  expect(await decide({ $or: [{ a: 1 }, { b: 2, c: 3 }] })).toEqual({
    or: [
      { and: [{ equals: { key: "a", value: 1 } }] },
      { and: [{ equals: { key: "b", value: 2 } }, { equals: { key: "c", value: 3 } }] },
    ],
  });
  expect(await decide({ $and: [{ a: { nested: true } }] })).toEqual({
    and: [{ and: [{ equals: { key: "a", value: { nested: true } } }] }],
  });
});

test("Studio's header counts only where it is allowed", async () => {
  const auth = new Auth().authenticate(async () => "ada");
  const studio = request({ "x-auth-scheme": "langsmith", "x-api-key": "whatever" });
  expect((await authorizer(auth).authenticate(studio)).identity).toBe("ada");
  const allowed = await authorizer(auth, true).authenticate(studio);
  expect(allowed).toMatchObject({ identity: "langgraph-studio-user", details: { kind: "StudioUser" } });
});

test("what is no Auth object is refused with where it came from", () => {
  expect(() => readAuthHandlers({ authenticate: () => "x" }, "auth.ts:auth")).toThrow(ConfigurationError);
  expect(() => readAuthHandlers(undefined, "auth.ts:auth")).toThrow("auth.ts:auth must be an Auth object");
});
