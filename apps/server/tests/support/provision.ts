import type { Role } from "@ciclo/contract";
import { createCore } from "../../src/core.ts";
import { readConfig } from "../../src/config.ts";
import { openDatabase } from "../../src/db/dialect.ts";
import { system } from "../../src/domain/actor.ts";
import { createLogger } from "../../src/lib/logger.ts";

/** Users of a database that no console has open yet, by their roles. Returns their tokens. */
export async function provision(
  environment: Record<string, string>,
  people: Record<string, Role[]>,
): Promise<Record<string, string>> {
  const config = readConfig(environment);
  const database = await openDatabase({ url: config.databaseUrl, file: `${config.home}/ciclo.db` });
  const core = await createCore({ config, database, logger: createLogger("silent") });
  const tokens: Record<string, string> = {};
  for (const [name, roles] of Object.entries(people)) {
    const user = await core.features.access.service.users.add(system, {
      name,
      email: `${name}@example.com`,
      roles,
    });
    tokens[name] = user.token;
  }
  await database.close();
  return tokens;
}

/** The whole audit log's verdict, read beside a running console. */
export async function verifyAudit(environment: Record<string, string>) {
  const config = readConfig(environment);
  const database = await openDatabase({ url: config.databaseUrl, file: `${config.home}/ciclo.db` });
  const core = await createCore({ config, database, logger: createLogger("silent") });
  const verdict = await core.features.audit.service.verify();
  await database.close();
  return verdict;
}
