import {
  type Checkpoint,
  type Health,
  type Key,
  type Locale,
  type ServerState,
  type Text,
  text,
} from "@ciclo/contract";
import type { SandboxStanding } from "../../domain/servers.ts";
import type { LogStanding } from "../../domain/usage.ts";
import { builtInVersion, type Snapshot } from "../../domain/snapshot.ts";
import type { WorkerTrouble } from "../../domain/feature.ts";
import { Refusal } from "../../errors.ts";

/** What a look at one part of the console comes to. */
export type Finding = { status: Health["status"]; detail: Text };

/** Of a list, so many are named; the page of the subject has them all. */
const maxNamed = 20;

export const ok = (en: string, ptBR: string): Finding => ({ status: "ok", detail: text(en, ptBR) });

export function configurationFinding({ approvals, approvalsVersion, policies, problems }: Snapshot): Finding {
  const paths = [...new Set(problems.map(({ path }) => path.replace(/:\d+$/, "")))].join(", ");
  if (approvals === null) {
    return {
      status: "down",
      detail: text(
        `policies/approvals.yaml cannot be used, so nothing can be submitted or approved. Mend it on the live branch. Not in use: ${paths}`,
        `policies/approvals.yaml não pode ser usada, então nada pode ser submetido nem aprovado. Corrija-a na branch ativa. Fora de uso: ${paths}`,
      ),
    };
  }
  if (problems.length === 0) {
    const absent = [
      ...(approvalsVersion === builtInVersion ? [noApprovals] : []),
      ...(policies.has("network") ? [] : [noNetwork]),
      ...([...policies.values()].some(({ kind }) => kind === "budget") ? [] : [noBudget]),
    ];
    const said = (locale: Locale): string => absent.map((each) => `. ${each[locale]}`).join("");
    return ok(
      `Every file fits its schema${said("en")}`,
      `Todos os arquivos seguem seu esquema${said("pt-BR")}`,
    );
  }
  return {
    status: "degraded",
    detail: text(
      `Not in use, because they cannot be read or do not fit their schema: ${paths}`,
      `Fora de uso, porque não podem ser lidos ou não seguem seu esquema: ${paths}`,
    ),
  };
}

/** A change and what is the matter with it. */
export type ChangeStanding = { planId: string; reason: Text };

/** `left`: changes that landed and that the branch holds no more. */
export function repositoryFinding(branch: string, commit: string, left: readonly ChangeStanding[]): Finding {
  if (left.length > 0) return { status: "degraded", detail: joined(left.map(ofPlan)) };
  return ok(`${branch} is at ${commit}`, `${branch} está em ${commit}`);
}

/** What holds where a policy that could hold something back is not there. */
const noApprovals = text(
  "policies/approvals.yaml is not there: one approver's vote lands a change",
  "policies/approvals.yaml não existe: o voto de um aprovador basta",
);
const noNetwork = text(
  "policies/network.yaml is not there: servers may be at any public address",
  "policies/network.yaml não existe: servidores podem estar em qualquer endereço público",
);
const noBudget = text(
  "There is no budget: no calls are held back by what they cost",
  "Não há orçamento: nenhuma chamada é contida pelo que custa",
);

export function waitingFinding(waiting: readonly ChangeStanding[]): Finding {
  if (waiting.length === 0) return ok("Nothing is held up", "Nada está parado");
  const list = joined(waiting.map(ofPlan));
  return {
    status: "degraded",
    detail: text(
      `Held up (what failed is retried automatically): ${list.en}`,
      `Parado (o que falhou é tentado de novo automaticamente): ${list["pt-BR"]}`,
    ),
  };
}

const ofPlan = ({ planId, reason }: ChangeStanding): Text =>
  text(`${planId}: ${reason.en}`, `${planId}: ${reason["pt-BR"]}`);

/** `troubles`: of what signs and copies the log. One that was altered or cut off is worse than a full disk. */
export function auditFinding(
  last: Checkpoint | null,
  tampering: Text | null,
  troubles: readonly WorkerTrouble[],
): Finding {
  if (tampering !== null) return { status: "down", detail: tampering };
  if (troubles.length > 0) {
    const isAltered = troubles.some(({ error }) => error instanceof Refusal);
    return { status: isAltered ? "down" : "degraded", detail: joined(troubles.map(ofWorker)) };
  }
  return last === null
    ? ok("No checkpoint is signed yet", "Ainda não há checkpoint assinado")
    : ok(`The first ${last.size} entries are signed`, `Os primeiros ${last.size} registros estão assinados`);
}

/** A registered server as health sees it. */
export type ServerStanding = { id: string; state: ServerState; trouble: Text | null; withheld: number };

export function serversFinding(servers: readonly ServerStanding[]): Finding {
  const away = servers.filter(({ state }) => state === "down" || state === "quarantined");
  const withholding = servers.filter((server) => server.withheld > 0 && !away.includes(server));
  const lines = [
    ...away.map(({ id, state, trouble }) =>
      text(
        `${id} is ${state === "down" ? "down" : "in quarantine"}${trouble === null ? "" : `: ${trouble.en}`}`,
        `${id} está ${state === "down" ? "fora do ar" : "em quarentena"}${trouble === null ? "" : `: ${trouble["pt-BR"]}`}`,
      ),
    ),
    ...withholding.map(({ id, withheld }) =>
      withheld === 1
        ? text(
            `${id} has 1 tool withheld until a plan accepts it`,
            `${id} tem 1 ferramenta retida até que um plano a aceite`,
          )
        : text(
            `${id} has ${withheld} tools withheld until a plan accepts them`,
            `${id} tem ${withheld} ferramentas retidas até que um plano as aceite`,
          ),
    ),
  ];
  if (lines.length > 0) return { status: "degraded", detail: joined(lines) };
  return ok(
    `${servers.length} registered, none in trouble`,
    `${servers.length} registrados, nenhum com problema`,
  );
}

/** Whether the programs of stdio servers are kept from the data folder and from each other. */
export function sandboxFinding({ state, mode, programs }: SandboxStanding): Finding {
  if (state.available) return ok("Programs of servers run in it", "Programas de servidores executam nela");
  const { why } = state;
  if (programs === 0) {
    return ok(
      `No server needs one now. To come: ${why.en}`,
      `Nenhum servidor precisa de uma agora. Para depois: ${why["pt-BR"]}`,
    );
  }
  if (mode === "off") {
    return ok(
      `CICLO_SANDBOX is off: ${programs} programs of servers can read the data folder and its keys`,
      `CICLO_SANDBOX está off: ${programs} programas de servidores podem ler a pasta de dados e suas chaves`,
    );
  }
  if (mode === "required") {
    return {
      status: "degraded",
      detail: text(
        `${programs} programs of servers do not run (CICLO_SANDBOX is required): ${why.en}`,
        `${programs} programas de servidores não executam (CICLO_SANDBOX é required): ${why["pt-BR"]}`,
      ),
    };
  }
  return {
    status: "degraded",
    detail: text(
      `${programs} programs of servers run without one and can read the data folder and its keys: ${why.en}`,
      `${programs} programas de servidores executam sem ela e podem ler a pasta de dados e suas chaves: ${why["pt-BR"]}`,
    ),
  };
}

/** A key as health sees it. */
export type KeyStanding = Pick<Key, "reference" | "state" | "expires_at" | "last_handshake"> & {
  renewal_problem: Text | null;
};

export function keysFinding(keys: readonly KeyStanding[]): Finding {
  const lines = keys
    .filter(({ state }) => state !== "revoked")
    .flatMap((key): Text[] => {
      const { reference, state, expires_at, last_handshake, renewal_problem } = key;
      const day = `${expires_at?.slice(0, 10) ?? ""} (UTC)`;
      if (renewal_problem !== null) {
        return [text(`${reference}: ${renewal_problem.en}`, `${reference}: ${renewal_problem["pt-BR"]}`)];
      }
      if (state === "expired") return [text(`${reference} ended on ${day}`, `${reference} venceu em ${day}`)];
      if (state === "expiring") return [text(`${reference} ends on ${day}`, `${reference} vence em ${day}`)];
      return last_handshake?.ok === false
        ? [text(`the last rotation of ${reference} failed`, `a última rotação de ${reference} falhou`)]
        : [];
    });
  return lines.length > 0
    ? { status: "degraded", detail: joined(lines) }
    : ok("None ends soon, no rotation failed", "Nenhuma vence em breve, nenhuma rotação falhou");
}

/** Counts the lines that could not be used. Where they are most of a source, its format is not understood. */
export function logsFinding(logs: readonly LogStanding[]): Finding {
  const [files, lines] = [
    logs.reduce((sum, each) => sum + each.files, 0),
    logs.reduce((sum, each) => sum + each.lines, 0),
  ];
  if (files === 0) return ok("None has been read yet", "Nenhum foi lido ainda");
  const bad = logs.filter((each) => each.bad > 0);
  const old = logs.filter((each) => each.tooOld > 0);
  const failing = logs.flatMap((each) => each.failing);
  const notes = [
    text(`${lines} lines of ${files} files read`, `${lines} linhas de ${files} arquivos lidas`),
    ...bad.map((each) =>
      text(
        `${each.source}: ${each.bad} of ${each.lines} lines could not be used`,
        `${each.source}: ${each.bad} de ${each.lines} linhas não puderam ser usadas`,
      ),
    ),
    ...(bad.length === 0
      ? []
      : [
          text(
            "they are kept with the reason in rejected/ of the data folder",
            "elas ficam com o motivo em rejected/ na pasta de dados",
          ),
        ]),
    ...old.map((each) =>
      text(
        `${each.source}: ${each.tooOld} calls were left out: older than calls are kept, or from more than a day ahead`,
        `${each.source}: ${each.tooOld} chamadas ficaram de fora: mais antigas do que as que ficam guardadas, ou de mais de um dia à frente`,
      ),
    ),
    ...failing.map((path) =>
      text(
        `most lines of ${path} could not be used`,
        `a maior parte das linhas de ${path} não pôde ser usada`,
      ),
    ),
  ];
  return {
    status: failing.length > 0 || bad.some((each) => each.bad * 2 > each.lines) ? "degraded" : "ok",
    detail: joined(notes),
  };
}

export function backgroundFinding(troubles: readonly WorkerTrouble[]): Finding {
  return troubles.length > 0
    ? { status: "degraded", detail: joined(troubles.map(ofWorker)) }
    : ok("All of it runs", "Tudo em execução");
}

function ofWorker({ name, failures, error }: WorkerTrouble): Text {
  const why = error instanceof Refusal ? error.detail : text("see the log", "veja o log");
  return text(
    `${name.en} failed ${failures} times in a row (${why.en})`,
    `${name["pt-BR"]} falhou ${failures} vezes seguidas (${why["pt-BR"]})`,
  );
}

const megabyte = 1024 * 1024;
const fewMegabytes = 512;
const tooFewMegabytes = 32;
/** From here on it is said in GB. */
const manyMegabytes = 10 * 1024;

/** Room on the disk of the data folder, in bytes. */
export function diskFinding(freeBytes: number): Finding {
  const free = Math.floor(freeBytes / megabyte);
  const amount = free < manyMegabytes ? `${free} MB` : `${Math.floor(free / 1024)} GB`;
  const detail = text(`${amount} are free for the data folder`, `${amount} livres para a pasta de dados`);
  return { status: free < tooFewMegabytes ? "down" : free < fewMegabytes ? "degraded" : "ok", detail };
}

function joined(lines: readonly Text[]): Text {
  const more = lines.length - maxNamed;
  const of = (locale: Locale, rest: string): string =>
    [...lines.slice(0, maxNamed).map((line) => line[locale]), ...(more > 0 ? [rest] : [])].join("; ");
  return text(of("en", `and ${more} more`), of("pt-BR", `e mais ${more}`));
}
