// The checks of `holdfast doctor`, each of which looks at one thing and says what to do about it.
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { inspectConfiguredDatabase } from "../assembly/maintenance.ts";
import type { Config } from "../config/config.ts";

const NODE_MAJOR_MIN = 20;
const NODE_MINOR_MIN = 19;
const POSTGRES_VERSION_MIN = 140_000;

/** One line of the report. */
export interface Finding {
  readonly level: "ok" | "warn" | "fail";
  /** What was looked at, in a word or two. */
  readonly topic: string;
  readonly text: string;
  /** What to do; absent where all is well. */
  readonly remedy?: string;
}

export function checkNode(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNewEnough = major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN);
  return isNewEnough
    ? { level: "ok", topic: "Node.js", text: version }
    : {
        level: "fail",
        topic: "Node.js",
        text: `${version} is too old`,
        remedy: `Install Node.js ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer.`,
      };
}

export function checkProject({ project }: Config): Finding[] {
  const graphs = Object.entries(project.graphs);
  const findings: Finding[] = [
    { level: "ok", topic: "Project file", text: `${project.file} (${graphs.map(([graphId]) => graphId).join(", ")})` },
  ];
  for (const [graphId, { file }] of graphs) {
    if (!existsSync(file)) {
      findings.push({
        level: "fail",
        topic: "Project file",
        text: `graph ${graphId}: ${file} does not exist`,
        remedy: `Create it, or correct graphs.${graphId} in ${project.file}.`,
      });
    }
  }
  for (const warning of project.warnings) {
    findings.push({ level: "warn", topic: "Project file", text: warning });
  }
  return findings;
}

export async function checkDataDir({ database }: Config): Promise<Finding> {
  const topic = "Data folder";
  if (!database.isEmbedded) {
    return { level: "ok", topic, text: "not needed with DATABASE_URL" };
  }
  const isNew = !existsSync(database.dataDir);
  const probe = join(database.dataDir, `.doctor-${process.pid}`);
  try {
    await mkdir(database.dataDir, { recursive: true });
    await writeFile(probe, "");
    return { level: "ok", topic, text: `${database.dataDir} is writable` };
  } catch (error) {
    return {
      level: "fail",
      topic,
      text: `${database.dataDir} is not writable: ${(error as Error).message}`,
      remedy: "Correct its permissions, choose another with HOLDFAST_DATA_DIR, or set DATABASE_URL.",
    };
  } finally {
    await rm(isNew ? database.dataDir : probe, { recursive: true, force: true }).catch(() => {});
  }
}

export async function checkDatabase(config: Config): Promise<Finding[]> {
  const topic = "Database";
  try {
    const { description, inspection } = await inspectConfiguredDatabase(config);
    const findings: Finding[] = [{ level: "ok", topic, text: description }];
    if (inspection === undefined) {
      return findings;
    }
    const { version, versionNumber, extensions, pendingMigrations, unknownMigrations, canCreate } = inspection;
    if (versionNumber < POSTGRES_VERSION_MIN) {
      findings.push({
        level: "fail",
        topic,
        text: `version ${version} is too old`,
        remedy: "Use PostgreSQL 14 or newer.",
      });
    }
    if (unknownMigrations.length > 0) {
      findings.push({
        level: "fail",
        topic,
        text: `it was migrated by a newer Holdfast (${unknownMigrations.join(", ")})`,
        remedy: "Start that version, or use another database.",
      });
    } else if (pendingMigrations.length > 0) {
      findings.push({
        level: canCreate ? "ok" : "fail",
        topic,
        text: `migrations to come at the next start: ${pendingMigrations.join(", ")}`,
        ...(canCreate ? {} : { remedy: "This account may not create tables: grant it CREATE on schema public." }),
      });
    }
    findings.push(checkConnections(config, inspection.connectionsMax), describeExtensions(extensions));
    return findings;
  } catch (error) {
    const remedy = config.database.isEmbedded
      ? "Follow the message, or set DATABASE_URL to a PostgreSQL of your own."
      : "Check DATABASE_URL, that the server runs, and that it accepts this account.";
    return [{ level: "fail", topic, text: (error as Error).message, remedy }];
  }
}

function checkConnections({ workers, database }: Config, connectionsMax: number): Finding {
  // Each process has its pool and one connection that listens.
  const wanted = (workers.processCount + 1) * (database.poolMax + 1);
  const text = `up to ${wanted} connections from this machine, the server allows ${connectionsMax}`;
  return wanted < connectionsMax
    ? { level: "ok", topic: "Database", text }
    : {
        level: "warn",
        topic: "Database",
        text,
        remedy:
          "Lower HOLDFAST_DATABASE_POOL_MAX or HOLDFAST_WORKERS, raise max_connections, or put a pooler in between.",
      };
}

function describeExtensions(extensions: readonly string[]): Finding {
  return extensions.includes("vector")
    ? { level: "ok", topic: "Database", text: `extensions: ${extensions.join(", ")}` }
    : {
        level: "ok",
        topic: "Database",
        text: "no pgvector: semantic search compares vectors one by one, fine for thousands",
      };
}

export async function checkPort({ http }: Config): Promise<Finding> {
  const topic = "Port";
  const error = await new Promise<unknown>((resolve) => {
    const probe = createServer();
    probe.once("error", resolve);
    probe.listen({ port: http.port, host: http.host, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
  if (error === undefined) {
    return { level: "ok", topic, text: `${http.port} on ${http.host} is free` };
  }
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: `Stop the program that uses it, or choose another port: set PORT=${http.port + 1}.`,
    EACCES: "Choose a port above 1023: set PORT=8123.",
  };
  const { code = "", message } = error as NodeJS.ErrnoException;
  const remedy = remedies[code] ?? "Set HOST to an address of this machine: 127.0.0.1, or 0.0.0.0 for all.";
  return { level: "fail", topic, text: `${http.port} on ${http.host} cannot be listened on: ${message}`, remedy };
}

export function checkEncryption({ secrets }: Config): Finding {
  const topic = "Encryption";
  const [current, ...older] = secrets.encryptionKeys.map(({ keyId }) => keyId);
  if (current === undefined) return { level: "ok", topic, text: "off: conversations are stored as they are" };
  const others = older.length === 0 ? "" : `; still decrypts ${older.join(", ")}`;
  return { level: "ok", topic, text: `on, with the key ${current}${others}` };
}

export function checkCores({ workers }: Config): Finding {
  const cores = availableParallelism();
  return {
    level: "ok",
    topic: "Workers",
    text: `${workers.processCount} with ${workers.slots} runs at once in each, on ${cores} cores`,
  };
}
