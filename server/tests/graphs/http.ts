// A project's own routes and middleware, beside and before those of the server.
import { Hono } from "hono";

export const app = new Hono<{ Variables: { auth?: { user: { identity: string } } } }>();

app.use("*", async (context, next) => {
  await next();
  context.header("x-project", "was here");
});
app.get("/hello/:name", (context) =>
  context.json({ hello: context.req.param("name"), to: context.get("auth")?.user.identity }),
);
app.get("/info", (context) => context.json({ own: true }));
app.post("/echo", async (context) => context.json(await context.req.json()));
app.get("/broken", () => {
  throw new Error("a secret of the project");
});
