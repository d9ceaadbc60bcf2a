import { join } from "node:path";
import type { Config } from "./config.ts";
import type { Database } from "./db/dialect.ts";
import { createAccess } from "./features/access/index.ts";
import { createAudit } from "./features/audit/index.ts";
import { openVault } from "./features/keys/index.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { deriveKey } from "./lib/crypto.ts";
import { EventBus } from "./lib/events.ts";
import type { Logger } from "./lib/logger.ts";
import { openMasterKey } from "./lib/master-key.ts";

export type CoreDeps = { config: Config; database: Database; logger: Logger; clock?: Clock };

/** Access and audit alone: what the local commands need, beside a running server or without one. */
export async function createCore({ config, database, logger, clock = systemClock }: CoreDeps) {
  const { queries } = database;
  const bus = new EventBus(logger);
  const master = await openMasterKey(config.masterKey, config.masterKeyFile);
  const vault = await openVault({ queries, clock, master });
  const signingKey = await vault.named("audit checkpoint", auditSigningKey);
  const folder = join(config.home, "audit");
  const audit = createAudit({ database, clock, logger, bus, signingKey, folder });
  const { transaction } = audit.service;
  const access = createAccess({ queries, transaction, clock, bus });
  return { bus, vault, features: { audit, access } };
}

const auditSigningKey = (masterKey: Buffer): Buffer => deriveKey(masterKey, "ciclo audit checkpoint v1");
