import {
  type Checkpoint,
  type Configuration,
  type Health,
  healthChecks,
  type Locale,
  type Text,
  text,
} from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { WorkerTrouble } from "../../domain/feature.ts";
import {
  auditFinding,
  backgroundFinding,
  configurationFinding,
  diskFinding,
  type Finding,
  keysFinding,
  type KeyStanding,
  logsFinding,
  ok,
  repositoryFinding,
  sandboxFinding,
  serversFinding,
  type ServerStanding,
  waitingFinding,
} from "./findings.ts";
import type { Logger } from "../../lib/logger.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import type { SandboxStanding } from "../../domain/servers.ts";
import type { LogStanding } from "../../domain/usage.ts";
import type { Snapshot } from "../../domain/snapshot.ts";

export type StatusDeps = {
  repository: ConfigRepository;
  logger: Logger;
  /** Throws when the database does not answer. */
  askDatabase(): Promise<unknown>;
  /** Changes whose next step keeps failing. */
  waiting(): Promise<{ planId: string; reason: Text }[]>;
  /** Changes that landed and that the live branch holds no more, because somebody rewrote it. */
  leftLive(): Promise<{ planId: string; reason: Text }[]>;
  lastCheckpoint(): Promise<Checkpoint | null>;
  /** What a quick look at the audit log finds altered. */
  tampering(): Promise<Text | null>;
  /** Of the workers that sign and copy the audit log. */
  auditTroubles(): readonly WorkerTrouble[];
  servers(): readonly ServerStanding[];
  sandbox(): Promise<SandboxStanding>;
  keys(): Promise<readonly KeyStanding[]>;
  /** What has been read of usage logs. */
  logs(): Promise<readonly LogStanding[]>;
  /** Workers whose latest pass failed. */
  troubles(): readonly WorkerTrouble[];
  /** Bytes that are free for the data folder. */
  freeBytes(): Promise<number>;
};

export type StatusService = {
  health(locale: Locale): Promise<Health>;
  configuration(locale: Locale): Promise<Configuration>;
};

type Check = Health["checks"][number];

const severity = ["ok", "degraded", "down"] as const;

/** What an operator asks first: what is live, and what does not work. */
export function createStatusService(deps: StatusDeps): StatusService {
  const live = async (): Promise<Snapshot> => deps.repository.snapshot(await deps.repository.refresh());
  const checks: Record<Check["id"], () => Promise<Finding>> = {
    database: async () => {
      await deps.askDatabase();
      return ok("Answers", "Responde");
    },
    disk: async () => diskFinding(await deps.freeBytes()),
    repository: async () => {
      const commit = (await deps.repository.refresh()).slice(0, 8);
      return repositoryFinding(deps.repository.baseBranch, commit, await deps.leftLive());
    },
    configuration: async () => configurationFinding(await live()),
    changes: async () => waitingFinding(await deps.waiting()),
    servers: async () => serversFinding(deps.servers()),
    sandbox: async () => sandboxFinding(await deps.sandbox()),
    keys: async () => keysFinding(await deps.keys()),
    logs: async () => logsFinding(await deps.logs()),
    background: async () => backgroundFinding(deps.troubles()),
    audit: async () =>
      auditFinding(await deps.lastCheckpoint(), await deps.tampering(), deps.auditTroubles()),
  };
  const look = async (id: Check["id"], locale: Locale): Promise<Check> => {
    const { status, detail } = await checks[id]().catch((error: unknown) => down(deps.logger, id, error));
    return { id, status, detail: detail[locale] };
  };
  return {
    async health(locale) {
      const ids = healthChecks;
      const found = await Promise.all(ids.map((id) => look(id, locale)));
      const worst = Math.max(...found.map(({ status }) => severity.indexOf(status)));
      return { status: severity[worst] ?? "down", checks: found };
    },
    async configuration(locale) {
      const { name, commit, agents, registry, policies, problems } = await live();
      return {
        name,
        branch: deps.repository.baseBranch,
        commit,
        agents: [...agents.values()].map((agent) => ({ name: agent.name, title: agent.title })),
        servers: registry.servers.map(({ id, title }) => ({ id, title })),
        policies: [...policies.values()].map(({ id, kind, title }) => ({ id, kind, title })),
        problems: problems.map(({ path, message }) => ({ path, message: message[locale] })),
      };
    },
  };
}

function down(logger: Logger, id: string, error: unknown): Finding {
  if (error instanceof Refusal) return { status: "down", detail: error.detail };
  logger.error({ err: error }, `the health check of ${id} failed`);
  return { status: "down", detail: text("Does not answer; see the log", "Não responde; veja o log") };
}
