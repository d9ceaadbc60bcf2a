import { userInfo } from "node:os";
import { join } from "node:path";
import { createCore } from "../core.ts";
import { type Config, readConfig } from "../config.ts";
import { type Database, openDatabase } from "../db/dialect.ts";
import type { Actor } from "../domain/actor.ts";
import { privateFolder } from "../lib/files.ts";
import { createLogger } from "../lib/logger.ts";

export type Local = Awaited<ReturnType<typeof openLocal>>;

/** Runs work on the database itself: for commands that need no server. */
export async function withLocal<T>(work: (local: Local, actor: Actor) => Promise<T>): Promise<T> {
  const config = readConfig();
  await privateFolder(config.home);
  const database = await openDatabase({ url: config.databaseUrl, file: join(config.home, "ciclo.db") });
  try {
    return await work(await openLocal(config, database), {
      id: null,
      name: `${userInfo().username} (command line)`,
      email: null,
      roles: [],
    });
  } finally {
    await database.close();
  }
}

async function openLocal(config: Config, database: Database) {
  const { vault, features } = await createCore({ config, database, logger: createLogger("error") });
  return { vault, audit: features.audit.service, ...features.access.service };
}
