// POST /ui/{agent}
import { z } from "@hono/zod-openapi";
import { NotFoundError } from "../../domain/errors.ts";
import { defineOperation, failures } from "../operation.ts";

const LOCAL_HOST = /^(localhost|127\.0\.0\.1)(:\d+)?$/;
/** A host and port, as far as it may stand in a page. */
const HOST = /^[\w.-]+(:\d+)?$|^\[[\da-fA-F:]+\](:\d+)?$/;

export const loadUserInterface = defineOperation({
  method: "post",
  path: "/ui/{agent}",
  tag: "System",
  summary: "Load a component for an agent's messages",
  description:
    "A snippet of HTML that loads the agent's components (`ui` of the project file) and renders one of them.",
  params: z.object({ agent: z.string() }),
  body: z.object({ name: z.string() }),
  bodyExample: { name: "weather" },
  answers: { 200: { description: "HTML" }, ...failures(404) },
  isAvailable: (services) => services.userInterfaces !== undefined,
  async handle({ params: { agent }, body, services, settings, context }) {
    const files = await services.userInterfaces!.findFiles(agent);
    if (files === undefined) throw new NotFoundError(`There are no components for "${agent}".`);
    const base = `${originOf(context.req.header("x-forwarded-host") ?? context.req.header("host"))}${settings.mountPrefix ?? ""}/ui/${encodeURIComponent(agent)}`;
    const global = `__LGUI_${agent.replaceAll(/[^a-zA-Z0-9]/g, "_")}`;
    const call = `${global}.render(${JSON.stringify(body.name)}, "{{shadowRootId}}")`;
    const script = `<script src="${escapeHtml(`${base}/entrypoint.js`)}" onload='${escapeHtml(call)}'></script>`;
    const hasStyles = files.some(({ name }) => name === "entrypoint.css");
    const styles = hasStyles ? `<link rel="stylesheet" href="${escapeHtml(`${base}/entrypoint.css`)}" />` : "";
    return context.html(`${script}${styles}`);
  },
});

/** Relative to the page's own scheme, but for this machine, whose pages may be served over https. */
function originOf(host: string | undefined): string {
  if (host === undefined || !HOST.test(host)) return "";
  return `${LOCAL_HOST.test(host) ? "http:" : ""}//${host}`;
}

/** Also within quotes of either kind: the name comes from a request. */
function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
