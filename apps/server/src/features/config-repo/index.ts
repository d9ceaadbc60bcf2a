import { text } from "@ciclo/contract";
import type { Requirement } from "../../domain/approvals.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import { type Feature, noRoutes } from "../../domain/feature.ts";
import type { SearchConfig, Snapshot } from "../../domain/snapshot.ts";
import { Worker } from "../../lib/background.ts";
import type { Logger } from "../../lib/logger.ts";
import { maintain } from "./maintenance.ts";
import { allowsDirect, matchesAny, requirementsFor, usablePolicy } from "./approval-rules.ts";
import { openConfigRepository, type RepositoryOptions } from "./repository.ts";
import { createConfigSearch } from "./search.ts";
import { overlaySnapshot } from "./snapshot.ts";

const maintainEveryMs = 3_600_000;

export type ConfigRepoService = {
  repository: ConfigRepository;
  search: SearchConfig;
  /** The snapshot as it would be with these files; null deletes. */
  overlay(snapshot: Snapshot, files: ReadonlyMap<string, string | null>): Snapshot;
  /** What the approvals policy of a snapshot asks of a change of these paths. */
  requirementsFor(snapshot: Snapshot, paths: Iterable<string>): Requirement[];
  /** Whether a path is one that the patterns of its rules mean. */
  matchesAny(path: string, globs: readonly string[]): boolean;
  /** Whether it lets these paths change without an approval. */
  allowsDirect(snapshot: Snapshot, paths: Iterable<string>): boolean;
};

/** The configuration in git: what is live, what it says, and how it is changed. */
export async function createConfigRepo({
  logger,
  ...options
}: RepositoryOptions & { logger: Logger }): Promise<Feature<ConfigRepoService>> {
  const { repository, git } = await openConfigRepository(options);
  const maintaining = new Worker({
    name: text("packing the configuration's repository", "a compactação do repositório de configuração"),
    logger,
    everyMs: maintainEveryMs,
    pass: (signal) => maintain(git, signal),
  });
  const service: ConfigRepoService = {
    repository,
    search: createConfigSearch(),
    overlay: overlaySnapshot,
    requirementsFor: (snapshot, paths) => requirementsFor(usablePolicy(snapshot), paths),
    matchesAny,
    allowsDirect: (snapshot, paths) => allowsDirect(usablePolicy(snapshot), paths),
  };
  return { service, routes: noRoutes, workers: maintaining };
}
