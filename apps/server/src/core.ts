import { join } from "node:path";
import { type Config, ConfigError } from "./config.ts";
import type { Database, Queries } from "./db/dialect.ts";
import { createAccess } from "./features/access/index.ts";
import { createAudit } from "./features/audit/index.ts";
import { hasKeys, openVault } from "./features/keys/index.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { deriveKey, sha256 } from "./lib/crypto.ts";
import { EventBus } from "./lib/events.ts";
import type { Logger } from "./lib/logger.ts";
import { MasterKeyError, openMasterKey } from "./lib/master-key.ts";

export type CoreDeps = { config: Config; database: Database; logger: Logger; clock?: Clock };

/**
 * Access and audit alone: what the local commands need, beside a running server or without one. Throws `ConfigError`
 * where the master key cannot be read, or does not fit.
 */
export async function createCore({ config, database, logger, clock = systemClock }: CoreDeps) {
  const { queries } = database;
  const bus = new EventBus(logger);
  const vault = await openKeys(config, { queries, clock });
  const signingKey = await vault.named("audit checkpoint", auditSigningKey);
  const folder = join(config.home, "audit");
  const audit = createAudit({ database, clock, logger, bus, signingKey, folder });
  const { transaction } = audit.service;
  const access = createAccess({ queries, transaction, clock, bus, logger });
  // The same on all nodes, and of no other console.
  const consoleId = sha256(signingKey.toString("hex") + " console id").slice(0, 32);
  return { bus, vault, consoleId, features: { audit, access } };
}

async function openKeys(config: Config, deps: { queries: Queries; clock: Clock }) {
  try {
    const master = await openMasterKey(config.masterKey, config.masterKeyFile, () => hasKeys(deps.queries));
    return await openVault({ ...deps, master });
  } catch (error) {
    throw error instanceof MasterKeyError ? new ConfigError(error.message, { cause: error }) : error;
  }
}

const auditSigningKey = (masterKey: Buffer): Buffer => deriveKey(masterKey, "ciclo audit checkpoint v1");
