import { credentialPlaces, isForbiddenVariable, policyOf, type RegistryServer } from "@ciclo/contract";
import { fieldError, type LocalFieldError } from "../../errors.ts";
import type { Snapshot } from "../../domain/snapshot.ts";

/** Headers that HTTP, MCP and the console write themselves, or that lead a request to another host. */
const reserved =
  /^(host|:.*|connection|keep-alive|content-length|content-encoding|transfer-encoding|te|trailer|upgrade|expect|proxy-.*|forwarded|x-forwarded-.*|mcp-.*|sec-websocket-.*)$/i;

/** Whether a text holds an address of this console. */
export type LeadsHere = (text: string) => boolean;

const ownPlaces = ({ url, args = [], env = {} }: RegistryServer, leadsHere: LeadsHere): string[] => [
  ...(url !== undefined && leadsHere(url) ? ["url"] : []),
  ...args.flatMap((argument, index) => (leadsHere(argument) ? [`args.${index}`] : [])),
  ...Object.entries(env).flatMap(([name, value]) => (leadsHere(value) ? [`env.${name}`] : [])),
];

/** What a change may not write into the registry, whoever asks and whichever way in. Entries that stay are left alone. Pure. */
export function registryProblems(before: Snapshot, after: Snapshot, leadsHere: LeadsHere): LocalFieldError[] {
  const old = new Map(before.registry.servers.map((server) => [server.id, JSON.stringify(server)]));
  return after.registry.servers
    .filter((server) => old.get(server.id) !== JSON.stringify(server))
    .flatMap((server) =>
      serverProblems(server, leadsHere).map(({ path, message }) => ({
        path: `mcp-registry.yaml: ${server.id}.${path}`,
        message,
      })),
    );
}

/** The same of command lines that the policy lists: they are written as those of servers are. Entries that stay are left alone. Pure. */
export function allowedLineProblems(before: Snapshot, after: Snapshot): LocalFieldError[] {
  const listed = ({ policies }: Snapshot) => policyOf(policies, "commands")?.allow ?? [];
  const old = new Set(listed(before).map((entry) => JSON.stringify(entry)));
  return listed(after).flatMap((entry, index) =>
    old.has(JSON.stringify(entry))
      ? []
      : credentialPlaces({ args: entry.args }).map((place) =>
          fieldError(
            `policies/commands.yaml: allow.${index}.${place}`,
            "carries a credential. Store it as a key, write secret:<provider>/<NAME> in the server's entry, and the same or * here",
            "contém uma credencial. Guarde-a como chave, escreva secret:<provedor>/<NOME> na entrada do servidor, e o mesmo ou * aqui",
          ),
        ),
  );
}

/** The same of one entry, each with its field. Pure. */
export function serverProblems(server: RegistryServer, leadsHere: LeadsHere): LocalFieldError[] {
  const variables = Object.keys(server.env ?? {}).filter(isForbiddenVariable);
  const headers = Object.keys(server.headers ?? {}).filter((name) => reserved.test(name));
  return [
    ...variables.map((name) =>
      fieldError(
        `env.${name}`,
        "no server may set a variable that says what code programs load or where they find each other",
        "nenhum servidor pode definir uma variável que diz que código os programas carregam ou onde se encontram",
      ),
    ),
    ...headers.map((name) =>
      fieldError(
        `headers.${name}`,
        "this header is written by the protocol, or leads the request elsewhere",
        "este cabeçalho é escrito pelo protocolo, ou leva o pedido a outro lugar",
      ),
    ),
    ...ownPlaces(server, leadsHere).map((place) =>
      fieldError(
        place,
        "leads back to this console: everybody would act as the owner of its token there",
        "leva de volta a esta console: todos agiriam como o dono do token usado ali",
      ),
    ),
    ...credentialPlaces(server).map((place) =>
      fieldError(
        place,
        "carries a credential. Store it as a key, and write secret:<provider>/<NAME> in its place; in an address, move it to a header first",
        "contém uma credencial. Guarde-a como chave e escreva secret:<provedor>/<NOME> em seu lugar; em um endereço, mova-a antes a um cabeçalho",
      ),
    ),
  ];
}
