import {
  policyOf,
  type PolicyOf,
  referenceIn,
  type RegistryServer,
  type Text,
  text,
  withKey,
} from "@ciclo/contract";
import { keyUsesOf, namedValuesOf } from "../../domain/key-uses.ts";
import { Refusal } from "../../errors.ts";
import { canonicalJson } from "../../lib/crypto.ts";
import { type NetworkRules, urlProblem } from "../../lib/outbound.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { commandProblem } from "./commands.ts";
import type { ConnectDeps } from "./opening.ts";
import type { LinkSpec } from "./link.ts";
import type { ToolRules } from "./tool-shelf.ts";

/** The values in use, as far as servers need them. */
export type Ring = {
  revision: number;
  versionOf(reference: string): number | null;
  reveal(reference: string): Promise<string>;
};

/** What a server is reached with: its headers (HTTP, WebSocket) or variables (stdio), and arguments, keys put in. */
export type Filled = { values: Readonly<Record<string, string>>; args: readonly string[] };

/** Puts keys in the place of their references, exactly as they are stored. Throws a `Refusal` for one that has none. */
export async function fillKeys(
  server: RegistryServer,
  reveal: (reference: string) => Promise<string>,
): Promise<Filled> {
  const fill = async (name: string, configured: string): Promise<string> => {
    const use = referenceIn(configured);
    if (use === null) return configured;
    const key = await reveal(use.reference);
    refuseUnsendable(server, name, use.reference, key);
    return withKey(use, key);
  };
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(namedValuesOf(server))) values[name] = await fill(name, value);
  const args: string[] = [];
  for (const [index, value] of (server.args ?? []).entries()) args.push(await fill(`args.${index}`, value));
  return { values, args };
}

/** What no header, variable or argument can hold. */
function refuseUnsendable(server: RegistryServer, name: string, reference: string, key: string): void {
  const isStdio = server.transport === "stdio";
  // RFC 9110, section 5.5: visible characters, blanks and obs-text.
  const cannot = isStdio ? key.includes("\0") : /[^\t\u0020-\u007E\u0080-\u00FF]/.test(key);
  if (!cannot) return;
  throw new Refusal(
    "invalid_payload",
    isStdio
      ? text(
          `${reference} holds a NUL character, which ${name} cannot take. Rotate it to a value without`,
          `${reference} contém um caractere NUL, que ${name} não aceita. Rotacione-a para um valor sem ele`,
        )
      : text(
          `${reference} holds a line break or a character outside Latin-1, which header ${name} cannot take. Rotate it to a value without`,
          `${reference} contém uma quebra de linha ou um caractere fora do Latin-1, que o cabeçalho ${name} não aceita. Rotacione-a para um valor sem eles`,
        ),
  );
}

/**
 * What must never be shown of a server's values: each as it is sent, and by itself what was stored, where the
 * configuration writes something in front of it.
 */
export function secretsOf(server: RegistryServer, { values, args }: Filled): string[] {
  const stored = keyUsesOf(server).flatMap(({ kind, name, before }) => {
    const sent = kind === "argument" ? args[Number(name.slice("args.".length))] : values[name];
    return sent === undefined ? [] : [sent.slice(before.length)];
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
  const problem = problemOf(server, policies.network(), policies.commands());
  if (problem !== null) return { serverId: server.id, target: null, quarantine: problem };
  try {
    const filled = await fillKeys(server, (reference) => ring.reveal(reference));
    return { serverId: server.id, target: { server, ...filled }, quarantine: null };
  } catch (error) {
    // That no such key is stored, or cannot be sent, is an answer; anything else is none.
    if (!(error instanceof Refusal) || !["not_found", "invalid_payload"].includes(error.code)) throw error;
    return { serverId: server.id, target: null, quarantine: error.detail };
  }
}

const problemOf = (
  server: RegistryServer,
  network: NetworkRules,
  commands: PolicyOf<"commands"> | null,
): Text | null =>
  (server.command === undefined
    ? urlProblem(new URL(server.url ?? ""), network)
    : commandProblem(server, commands)
  )?.detail ?? null;

/** Why the policies of a configuration do not let a server be reached; null where they do. Pure. */
export const policyProblem = (
  server: RegistryServer,
  snapshot: Pick<Snapshot, "policies" | "unusable">,
): Text | null => problemOf(server, networkRulesOf(snapshot), policyOf(snapshot.policies, "commands"));

/** Changes when the link has to be recreated: its configuration, a credential, a policy that lets it. */
export function specFingerprint(server: RegistryServer, snapshot: Snapshot, ring: Ring): string {
  const policy =
    server.transport === "stdio" ? policyOf(snapshot.policies, "commands") : networkRulesOf(snapshot);
  const versions = keyUsesOf(server).map(({ reference }) => [reference, ring.versionOf(reference)]);
  return canonicalJson([server, policy, versions]);
}

export const toolRulesOf = (serverId: string, { toolLock, policies, problems }: Snapshot): ToolRules => ({
  lock: toolLock.servers[serverId] ?? {},
  // Under a lock that cannot be read every tool is new.
  newTools: problems.some(({ path }) => path.startsWith("mcp-tools.lock.json"))
    ? "hide"
    : (policyOf(policies, "access")?.new_tools ?? "hide"),
});

/** Without a policy: anywhere public, by TLS. */
export function networkRulesOf({
  policies,
  unusable,
}: Pick<Snapshot, "policies" | "unusable">): NetworkRules {
  if (unusable.has("network"))
    return { policy: "network", allow_hosts: [], allow_private: false, require_tls: true, isUnusable: true };
  const policy: PolicyOf<"network"> | null = policyOf(policies, "network");
  return policy === null
    ? { policy: "network", allow_hosts: ["*"], allow_private: false, require_tls: true }
    : { policy: policy.id, ...policy };
}
