import { userInfo } from "node:os";
import { join } from "node:path";
import { createCore } from "../app.ts";
import { readConfig } from "../config.ts";
import { openDatabase } from "../db/dialect.ts";
import type { Actor } from "../lib/actor.ts";
import { privateFolder } from "../lib/files.ts";
import { createLogger } from "../lib/logger.ts";

export type Local = Awaited<ReturnType<typeof createCore>>;

/** Runs work on the database itself: for commands that need no server. */
export async function withLocal<T>(work: (local: Local, actor: Actor) => Promise<T>): Promise<T> {
  const config = readConfig();
  await privateFolder(config.home);
  const database = await openDatabase({ url: config.databaseUrl, file: join(config.home, "ciclo.db") });
  try {
    const local = await createCore({ config, database, logger: createLogger("error"), follows: false });
    return await work(local, {
      id: null,
      name: `${userInfo().username} (command line)`,
      email: null,
      roles: [],
    });
  } finally {
    await database.close();
  }
}
