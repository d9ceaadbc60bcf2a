import { policyOf, text } from "@ciclo/contract";
import { describeDestination, destinationOf, keyUsesOf } from "../../domain/key-uses.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { DraftRisk } from "./risks.ts";

/** Stored keys that a change sends where they were not sent before. Pure. */
export function keyMoves(before: Snapshot, after: Snapshot): DraftRisk[] {
  const known = placesOf(before);
  return placesOf(after).flatMap(({ reference, taker, destination, said }) => {
    const same = known.filter((each) => each.reference === reference);
    if (same.some((each) => each.destination === destination)) return [];
    const were = same.map((each) => each.said);
    // A key that was stored for this very taker has been nowhere yet.
    const isOwn = same.length === 0 && reference.startsWith(`secret:${taker}/`);
    return [isOwn ? firstUse(reference, said) : move(reference, said, were)];
  });
}

/** Where a key goes. Equal destinations are the same place. */
type Place = { reference: string; taker: string; destination: string; said: string };

const placesOf = (snapshot: Snapshot): Place[] => [
  ...snapshot.registry.servers.flatMap((server) =>
    keyUsesOf(server).map((use) => ({
      reference: use.reference,
      taker: server.id,
      destination: destinationOf(server, use),
      said: describeDestination(server, use),
    })),
  ),
  ...(policyOf(snapshot.policies, "models")?.providers ?? []).flatMap(({ id, url, dialect, key }) =>
    key === undefined
      ? []
      : [
          {
            reference: key,
            taker: id,
            destination: JSON.stringify(["models", new URL(url).href, dialect]),
            said: `${url}, models of ${id}`,
          },
        ],
  ),
  ...(policyOf(snapshot.policies, "notify")?.webhooks ?? []).flatMap(({ id, url }) =>
    url.startsWith("secret:")
      ? [
          {
            reference: url,
            taker: id,
            destination: JSON.stringify(["webhook"]),
            said: `the address that it holds, as webhook ${id}`,
          },
        ]
      : [],
  ),
];

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
