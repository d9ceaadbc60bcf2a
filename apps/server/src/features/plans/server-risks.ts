import {
  type AccessKind,
  type PolicyOf,
  type RegistryServer,
  type Role,
  type Text,
  text,
} from "@ciclo/contract";
import { namedValuesOf } from "../../domain/key-uses.ts";
import type { ActiveRoles, Requirement } from "../../domain/approvals.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { DraftRisk } from "./risks.ts";

/** Decides by an access policy, or by none. */
export type AccessVerdict = (
  policy: PolicyOf<"access"> | null,
  roles: readonly Role[],
  server: string,
  kind: AccessKind,
  name: string,
) => { allowed: boolean; audit: boolean };

/** What the console's host and the policies make of a server. */
export type Host = {
  /** Who could vote on a change. */
  people: ActiveRoles;
  /** The absolute path of each command; null where there is no such program. */
  programs: ReadonlyMap<string, string | null>;
  /** Why the policies of a configuration do not let a server be reached; null where they do. */
  policyProblem(server: RegistryServer, snapshot: Snapshot): Text | null;
  /** What the approvals policy of a configuration asks of a change of these paths. */
  requirementsFor(snapshot: Snapshot, paths: Iterable<string>): Requirement[];
  /** What an access policy says of one use. */
  accessVerdict: AccessVerdict;
  /** Whether a name is one that the patterns of an access rule mean. */
  matchesName(name: string, patterns: readonly string[]): boolean;
  /** Whether a path is one that a rule's patterns mean. */
  matchesAny(path: string, globs: readonly string[]): boolean;
};

/** Commands that a configuration lets run: of its servers, and of the policy that lists them. Pure. */
export function commandsOf({ registry, policies }: Snapshot): Set<string> {
  const listed = [...policies.values()].flatMap((policy) => (policy.kind === "commands" ? policy.allow : []));
  const used = registry.servers.flatMap(({ command }) => command ?? []);
  return new Set([...listed.map(({ command }) => command), ...used]);
}

/** What changed or added servers bring: what runs, how it is reached, what it is told. Pure. */
export function serverRisks(before: Snapshot, after: Snapshot, host: Host): DraftRisk[] {
  const old = new Map(before.registry.servers.map((server) => [server.id, server]));
  const changed = after.registry.servers.filter(
    (server) => JSON.stringify(old.get(server.id)) !== JSON.stringify(server),
  );
  return changed.flatMap((server) => [
    ...(server.command === undefined ? [] : [runsCommand(commandLineOf(server), server.command, host)]),
    ...otherwise(old.get(server.id), server),
    ...plainHttp(server),
    ...sharedSession(server),
    ...refusedByPolicy(host.policyProblem(server, after)),
    ...(server.id in after.toolLock.servers ? [] : [unknownTools(server)]),
  ]);
}

/** As a shell would show it, variables first. */
const commandLineOf = ({ command = "", args = [], env = {} }: RegistryServer): string =>
  [...Object.entries(env).map(([name, value]) => `${name}=${value}`), command, ...args].join(" ");

/** A command that may run, with the file that it is on the console's host. */
export function runsCommand(line: string, command: string, { programs }: Host): DraftRisk {
  const program = programs.get(command) ?? null;
  const [en, ptBR] =
    program === null
      ? [`no program ${command} on its PATH now`, `sem programa ${command} no PATH agora`]
      : [program, program];
  const isTold = program === command;
  return {
    title: text(
      `Runs on the console's host: ${line}${isTold ? "" : ` (${en})`}`,
      `Executa no host da console: ${line}${isTold ? "" : ` (${ptBR})`}`,
    ),
    impact: "high",
    mitigation: text(
      "Read the whole command and where its program comes from before approving.",
      "Leia o comando inteiro e a origem do programa antes de aprovar.",
    ),
  };
}

/** A server that is reached elsewhere, or told otherwise, than what was approved. */
function otherwise(was: RegistryServer | undefined, now: RegistryServer): DraftRisk[] {
  if (was === undefined) return [];
  const kind =
    now.transport === "stdio" ? text("environment", "o ambiente") : text("headers", "os cabeçalhos");
  const [old, next] = [namedValuesOf(was), namedValuesOf(now)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(next)])];
  const told = names.flatMap((name) => difference(name, old[name], next[name]));
  const moves = was.url !== now.url && was.url !== undefined && now.url !== undefined;
  return [
    ...(moves
      ? [
          high(
            text(
              `Server ${now.id} is reached at ${now.url}; was: ${was.url}`,
              `O servidor ${now.id} é acessado em ${now.url}; antes: ${was.url}`,
            ),
          ),
        ]
      : []),
    ...(was.transport === now.transport
      ? []
      : [
          high(
            text(
              `Server ${now.id} is reached by ${now.transport}; was: ${was.transport}`,
              `O servidor ${now.id} é acessado por ${now.transport}; antes: ${was.transport}`,
            ),
          ),
        ]),
    ...(told.length === 0
      ? []
      : [
          high(
            text(
              `Changes the ${kind.en} of ${now.id}: ${told.map(({ en }) => en).join(", ")}`,
              `Altera ${kind["pt-BR"]} de ${now.id}: ${told.map((each) => each["pt-BR"]).join(", ")}`,
            ),
          ),
        ]),
  ];
}

function difference(name: string, was: string | undefined, now: string | undefined): Text[] {
  if (was === now) return [];
  if (was === undefined) return [text(`adds ${name}: ${now}`, `acrescenta ${name}: ${now}`)];
  if (now === undefined) return [text(`drops ${name}`, `retira ${name}`)];
  return [text(`${name}: ${was} → ${now}`, `${name}: ${was} → ${now}`)];
}

const high = (title: Text): DraftRisk => ({
  title,
  impact: "high",
  mitigation: text(
    "Check that its owner asked for this: what was approved before no longer holds.",
    "Confirme que o responsável pediu isto: o que foi aprovado antes deixa de valer.",
  ),
});

/** What the policies in force will refuse when the server is to be reached. */
function refusedByPolicy(problem: Text | null): DraftRisk[] {
  if (problem === null) return [];
  return [
    {
      title: problem,
      impact: "high",
      mitigation: text(
        "Change the policy first, or choose another way.",
        "Altere a política antes ou escolha outro caminho.",
      ),
    },
  ];
}

function plainHttp({ id, url }: RegistryServer): DraftRisk[] {
  if (url === undefined || /^(https|wss):/.test(url)) return [];
  return [
    {
      title: text(
        `Server ${id} is reached without TLS: ${url}`,
        `O servidor ${id} é acessado sem TLS: ${url}`,
      ),
      impact: "high",
      mitigation: text("Use https:// or wss://.", "Use https:// ou wss://."),
    },
  ];
}

/** Only over streamable HTTP does a caller bring a session, or need none. */
function sharedSession({ id, transport, session }: RegistryServer): DraftRisk[] {
  if (transport === "streamable_http" || session === "per_caller") return [];
  return [
    {
      title: text(
        `All callers share one session of ${id}: what one leaves there, others may see`,
        `Todos compartilham uma sessão de ${id}: o que um deixa ali, outros podem ver`,
      ),
      impact: "medium",
      mitigation: text(
        "Where it keeps state (a browser, a shell, a connection to a database), set session: per_caller.",
        "Se ele guarda estado (navegador, shell, conexão a banco de dados), defina session: per_caller.",
      ),
    },
  ];
}

const unknownTools = ({ id, tools }: RegistryServer): DraftRisk => ({
  title:
    tools === undefined
      ? text(
          `Tool list of ${id} unknown: its endpoint was not validated`,
          `Lista de ferramentas de ${id} desconhecida: o endpoint não foi validado`,
        )
      : text(
          `Tools of ${id} as declared, not as probed: ${tools.join(", ")}`,
          `Ferramentas de ${id} como declaradas, não como verificadas: ${tools.join(", ")}`,
        ),
  impact: "medium",
  mitigation: text("Probe the endpoint before approving.", "Verifique o endpoint antes de aprovar."),
});
