import {
  type Checkpoint,
  type Configuration,
  type Health,
  type Locale,
  type Text,
  text,
} from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import type { Snapshot } from "../../domain/snapshot.ts";

export type StatusDeps = {
  repository: ConfigRepository;
  logger: Logger;
  /** Throws when the database does not answer. */
  askDatabase(): Promise<unknown>;
  /** Changes whose next step keeps failing. */
  waiting(): Promise<{ planId: string; reason: Text }[]>;
  lastCheckpoint(): Promise<Checkpoint | null>;
};

export type StatusService = {
  health(locale: Locale): Promise<Health>;
  configuration(locale: Locale): Promise<Configuration>;
};

type Check = Health["checks"][number];
type Finding = { status: Check["status"]; detail: Text };

const severity = ["ok", "degraded", "down"] as const;

/** What an operator asks first: what is live, and what does not work. */
export function createStatusService(deps: StatusDeps): StatusService {
  const live = async (): Promise<Snapshot> => deps.repository.snapshot(await deps.repository.refresh());
  const checks: Record<Check["id"], () => Promise<Finding>> = {
    database: async () => {
      await deps.askDatabase();
      return ok("Answers", "Responde");
    },
    repository: async () => {
      const commit = (await deps.repository.refresh()).slice(0, 8);
      const branch = deps.repository.baseBranch;
      return ok(`${branch} is at ${commit}`, `${branch} está em ${commit}`);
    },
    configuration: async () => configurationFinding(await live()),
    changes: async () => waitingFinding(await deps.waiting()),
    audit: async () => checkpointFinding(await deps.lastCheckpoint()),
  };
  const look = async (id: Check["id"], locale: Locale): Promise<Check> => {
    const { status, detail } = await checks[id]().catch((error: unknown) => down(deps.logger, id, error));
    return { id, status, detail: detail[locale] };
  };
  return {
    async health(locale) {
      const ids = Object.keys(checks) as Check["id"][];
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

const ok = (en: string, ptBR: string): Finding => ({ status: "ok", detail: text(en, ptBR) });

function down(logger: Logger, id: string, error: unknown): Finding {
  if (error instanceof Refusal) return { status: "down", detail: error.detail };
  logger.error({ err: error }, `the health check of ${id} failed`);
  return { status: "down", detail: text("Does not answer; see the log", "Não responde; veja o log") };
}

function configurationFinding({ approvals, problems }: Snapshot): Finding {
  const paths = [...new Set(problems.map(({ path }) => path.replace(/:\d+$/, "")))].join(", ");
  if (approvals === null) {
    return {
      status: "down",
      detail: text(
        "policies/approvals.yaml cannot be used, so nothing can be submitted or approved. Mend it on the live branch.",
        "policies/approvals.yaml não pode ser usada, então nada pode ser submetido nem aprovado. Corrija-a na branch ativa.",
      ),
    };
  }
  if (problems.length === 0) return ok("Every file fits its schema", "Todos os arquivos seguem seu esquema");
  return {
    status: "degraded",
    detail: text(
      `Not in use, because they do not fit their schema: ${paths}`,
      `Fora de uso, porque não seguem seu esquema: ${paths}`,
    ),
  };
}

function waitingFinding(waiting: readonly { planId: string; reason: Text }[]): Finding {
  if (waiting.length === 0) return ok("Nothing is held up", "Nada está parado");
  const list = (locale: Locale): string =>
    waiting.map(({ planId, reason }) => `${planId}: ${reason[locale]}`).join("; ");
  return {
    status: "degraded",
    detail: text(
      `Held up, and tried again by itself: ${list("en")}`,
      `Parado, com novas tentativas automáticas: ${list("pt-BR")}`,
    ),
  };
}

const checkpointFinding = (last: Checkpoint | null): Finding =>
  last === null
    ? ok("No checkpoint is signed yet", "Ainda não há checkpoint assinado")
    : ok(`The first ${last.size} entries are signed`, `Os primeiros ${last.size} registros estão assinados`);
