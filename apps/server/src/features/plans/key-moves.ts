import { type RegistryServer, text } from "@ciclo/contract";
import { describeDestination, destinationOf, keyUsesOf } from "../../domain/key-uses.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { DraftRisk } from "./risks.ts";

/** Stored keys that a change sends where they were not sent before. Pure. */
export function keyMoves(before: Snapshot, after: Snapshot): DraftRisk[] {
  const known = usesOf(before.registry.servers);
  return usesOf(after.registry.servers).flatMap(({ server, use, destination }) => {
    const same = known.filter((each) => each.use.reference === use.reference);
    if (same.some((each) => each.destination === destination)) return [];
    const now = describeDestination(server, use);
    const were = same.map((each) => describeDestination(each.server, each.use));
    // A key that was stored for this very server has been nowhere yet.
    const isOwn = same.length === 0 && use.reference.startsWith(`secret:${server.id}/`);
    return [isOwn ? firstUse(use.reference, now) : move(use.reference, now, were)];
  });
}

const usesOf = (servers: readonly RegistryServer[]) =>
  servers.flatMap((server) =>
    keyUsesOf(server).map((use) => ({ server, use, destination: destinationOf(server, use) })),
  );

const move = (reference: string, now: string, were: readonly string[]): DraftRisk => ({
  title: text(
    `Sends ${reference} to ${now}; was: ${were.join("; ") || "sent nowhere"}`,
    `Envia ${reference} a ${now}; antes: ${were.join("; ") || "a lugar nenhum"}`,
  ),
  impact: "high",
  mitigation: text(
    "Ask the key's owner. Whoever runs the new place can read the key and use it.",
    "Pergunte ao dono da chave. Quem opera o novo lugar pode lê-la e usá-la.",
  ),
});

const firstUse = (reference: string, now: string): DraftRisk => ({
  title: text(`Sends ${reference} to ${now}`, `Envia ${reference} a ${now}`),
  impact: "medium",
  mitigation: text(
    "Check that the address or command is the one that the key is for.",
    "Confira se o endereço ou comando é aquele a que a chave se destina.",
  ),
});
