// What other programs may use of the server package.
export { type App, createApp, type Roles } from "./app.ts";
export { type Config, loadConfig } from "./config/config.ts";
export { type EmbeddedPostgres, startEmbeddedPostgres } from "./postgres/embedded/embedded-postgres.ts";
