import { policyOf, type PolicyOf, type RegistryServer } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { canonicalJson } from "../../lib/crypto.ts";
import { type NetworkRules, urlProblem } from "../../lib/outbound.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { commandProblem } from "./commands.ts";
import type { ConnectDeps } from "./connect.ts";
import type { LinkSpec, ToolRules } from "./link.ts";

/** The values in use, as far as servers need them. */
export type Ring = {
  revision: number;
  versionOf(reference: string): number | null;
  reveal(reference: string): Promise<string>;
};

const referencePattern = /secret:[a-z0-9][a-z0-9-]*\/[A-Za-z0-9_.-]+$/;

/** Headers or environment of a server, as configured. */
export const credentialsOf = ({
  transport,
  env,
  headers,
}: RegistryServer): Readonly<Record<string, string>> => (transport === "stdio" ? env : headers) ?? {};

/** The reference in a configured value, such as `Bearer secret:hub/TOKEN`. */
export const referenceIn = (value: string): string | null => referencePattern.exec(value)?.[0] ?? null;

/** References of a server, each with the header or variable that takes it. */
export const referencesOf = (server: RegistryServer): { name: string; reference: string }[] =>
  Object.entries(credentialsOf(server)).flatMap(([name, value]) => {
    const reference = referenceIn(value);
    return reference === null ? [] : [{ name, reference }];
  });

/** Puts values in the place of references. Throws a `Refusal` for one that has none. */
export async function revealCredentials(
  server: RegistryServer,
  reveal: (reference: string) => Promise<string>,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(credentialsOf(server))) {
    const reference = referenceIn(value);
    values[name] = reference === null ? value : value.replace(reference, await reveal(reference));
  }
  return values;
}

/**
 * What must never be shown of a server's values: each as it is sent, and by itself what was stored, where the
 * configuration writes something in front of it.
 */
export function secretsOf(server: RegistryServer, values: Readonly<Record<string, string>>): string[] {
  const stored = Object.entries(credentialsOf(server)).flatMap(([name, configured]) => {
    const reference = referenceIn(configured);
    const value = values[name];
    return reference === null || value === undefined
      ? []
      : [value.slice(configured.length - reference.length)];
  });
  return [...Object.values(values), ...stored];
}

/**
 * What a link is made for. Where a policy forbids it, or a credential is not stored, it is kept from
 * being reached. Throws where a stored credential cannot be read, which is no verdict on the server.
 */
export async function specOf(
  server: RegistryServer,
  ring: Ring,
  policies: Pick<ConnectDeps, "network" | "commands">,
): Promise<LinkSpec> {
  const problem =
    server.command === undefined
      ? urlProblem(new URL(server.url ?? ""), policies.network())
      : commandProblem({ command: server.command, args: server.args ?? [] }, policies.commands());
  if (problem !== null) return { serverId: server.id, target: null, quarantine: problem.detail };
  try {
    const values = await revealCredentials(server, (reference) => ring.reveal(reference));
    return { serverId: server.id, target: { server, values }, quarantine: null };
  } catch (error) {
    // That no such key is stored is an answer; anything else is none.
    if (!(error instanceof Refusal) || error.code !== "not_found") throw error;
    return { serverId: server.id, target: null, quarantine: error.detail };
  }
}

/** Changes when the link has to be recreated: its configuration, a credential, a policy that lets it. */
export function specFingerprint(server: RegistryServer, snapshot: Snapshot, ring: Ring): string {
  const policy =
    server.transport === "stdio"
      ? policyOf(snapshot.policies, "commands")
      : policyOf(snapshot.policies, "network");
  const versions = referencesOf(server).map(({ reference }) => [reference, ring.versionOf(reference)]);
  return canonicalJson([server, policy, versions]);
}

export const toolRulesOf = (serverId: string, { toolLock, policies }: Snapshot): ToolRules => ({
  lock: toolLock.servers[serverId] ?? {},
  newTools: policyOf(policies, "access")?.new_tools ?? "hide",
});

/** Without a policy: anywhere public, by TLS. */
export function networkRulesOf({ policies }: Pick<Snapshot, "policies">): NetworkRules {
  const policy: PolicyOf<"network"> | null = policyOf(policies, "network");
  return policy === null
    ? { policy: "network", allow_hosts: ["*"], allow_private: false, require_tls: true }
    : { policy: policy.id, ...policy };
}
