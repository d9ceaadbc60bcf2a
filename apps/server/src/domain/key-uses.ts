import { policyOf, referenceIn, type ReferenceUse, type RegistryServer } from "@ciclo/contract";
import type { Snapshot } from "./snapshot.ts";

/** A value of a registry entry that takes a stored key. */
export type KeyUse = ReferenceUse & {
  kind: "header" | "variable" | "argument";
  /** Of the header or variable; `args.2` for the third argument. */
  name: string;
};

/** Header or variable names with their values, as configured. */
export const namedValuesOf = ({
  transport,
  env,
  headers,
}: RegistryServer): Readonly<Record<string, string>> => (transport === "stdio" ? env : headers) ?? {};

/** Where a server takes stored keys. Pure. */
export function keyUsesOf(server: RegistryServer): KeyUse[] {
  const kind = server.transport === "stdio" ? "variable" : "header";
  const named = Object.entries(namedValuesOf(server)).map(
    ([name, value]) => ({ kind, name, value }) as const,
  );
  const args = (server.args ?? []).map(
    (value, index) => ({ kind: "argument", name: `args.${index}`, value }) as const,
  );
  return [...named, ...args].flatMap(({ value, ...place }) => {
    const use = referenceIn(value);
    return use === null ? [] : [{ ...place, ...use }];
  });
}

/** Where a key goes: equal texts are the same address and header, or the same command line and variable. Pure. */
export function destinationOf(server: RegistryServer, { kind, name, before }: KeyUse): string {
  const where =
    server.url === undefined ? [server.command, ...(server.args ?? [])] : [new URL(server.url).href];
  // Header names are the same in any case.
  return JSON.stringify([
    server.transport,
    where,
    kind,
    kind === "header" ? name.toLowerCase() : name,
    before,
  ]);
}

/** The same for people: `https://host/mcp, header Authorization`. */
export function describeDestination(server: RegistryServer, { kind, name }: KeyUse): string {
  const where = server.url ?? [server.command, ...(server.args ?? [])].join(" ");
  return kind === "argument" ? where : `${where}, ${kind} ${name}`;
}

/** Who takes a stored key: ids of servers, of providers of models, and of webhooks whose address it is. */
export type KeyUsers = {
  servers: readonly string[];
  models: readonly string[];
  webhooks: readonly string[];
};

export const nobody: KeyUsers = { servers: [], models: [], webhooks: [] };

export const isTaken = ({ servers, models, webhooks }: KeyUsers): boolean =>
  servers.length + models.length + webhooks.length > 0;

/** Who takes keys, by their reference, in one state of the configuration. Pure. */
export function keyUsersOf({
  registry,
  policies,
}: Pick<Snapshot, "registry" | "policies">): Map<string, KeyUsers> {
  const servers = Map.groupBy(
    registry.servers.flatMap((server) =>
      keyUsesOf(server).map(({ reference }) => [reference, server.id] as const),
    ),
    ([reference]) => reference,
  );
  const models = Map.groupBy(
    (policyOf(policies, "models")?.providers ?? []).filter(({ key }) => key !== undefined),
    ({ key }) => key ?? "",
  );
  const webhooks = Map.groupBy(policyOf(policies, "notify")?.webhooks ?? [], ({ url }) => url);
  const references = [...webhooks.keys()].filter((url) => referenceIn(url) !== null);
  return new Map(
    [...new Set([...servers.keys(), ...models.keys(), ...references])].map((reference) => [
      reference,
      {
        servers: [...new Set((servers.get(reference) ?? []).map(([, id]) => id))],
        models: (models.get(reference) ?? []).map(({ id }) => id),
        webhooks: (webhooks.get(reference) ?? []).map(({ id }) => id),
      },
    ]),
  );
}
