import { userInfo } from "node:os";
import { join } from "node:path";
import { type Config, ConfigError, naming, readConfig } from "../config.ts";
import type { Database } from "../db/dialect.ts";
import type { Actor } from "../domain/actor.ts";
import { exists, privateFolder } from "../lib/files.ts";

export type Local = Awaited<ReturnType<typeof openLocal>>["local"];

/**
 * Runs work on the database itself: for commands that need no server. Throws `ConfigError` where there is none
 * yet, unless the command may be the first: an empty log of another folder must not pass for the one that is meant.
 */
export async function withLocal<T>(
  work: (local: Local, actor: Actor) => Promise<T>,
  { mayBeFirst = false } = {},
): Promise<T> {
  // Loaded here: most commands only ask a server, and need neither database nor audit log.
  const { openDatabase } = await import("../db/dialect.ts");
  const config = readConfig();
  const file = join(config.home, "ciclo.db");
  const isThere = await naming("CICLO_HOME", () => exists(file));
  if (!mayBeFirst && config.databaseUrl === undefined && !isThere) {
    throw new ConfigError(
      `CICLO_HOME: no console has kept its data in ${config.home}. Set CICLO_HOME to the folder of yours`,
    );
  }
  await naming("CICLO_HOME", () => privateFolder(config.home));
  const opening = () => openDatabase({ url: config.databaseUrl, file });
  // PostgreSQL's own refusals say enough.
  const database = await (config.databaseUrl === undefined ? naming("CICLO_HOME", opening) : opening());
  try {
    const { local, sign } = await openLocal(config, database);
    const name = `${userInfo().username} (command line)`;
    const result = await work(local, { id: null, name, email: null, roles: [] });
    await sign();
    return result;
  } finally {
    await database.close();
  }
}

async function openLocal(config: Config, database: Database) {
  const { createCore } = await import("../core.ts");
  const { createLogger } = await import("../lib/logger.ts");
  const { bus, vault, features } = await createCore({ config, database, logger: createLogger("error") });
  const { service: audit } = features.audit;
  let hasRecorded = false;
  bus.on("audit.committed", () => void (hasRecorded = true));
  return {
    local: { vault, audit, ...features.access.service },
    /** What a command records is signed for at once: no console may run that would. */
    sign: async () => void (hasRecorded && (await audit.checkpoint())),
  };
}
