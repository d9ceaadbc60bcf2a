import { type PolicyOf, type Text, text } from "@ciclo/contract";
import { canonicalJson } from "../../lib/crypto.ts";
import type { Snapshot } from "../../domain/snapshot.ts";

export type CanaryPolicy = Pick<
  PolicyOf<"canary">,
  "probes" | "interval_s" | "max_latency_ms" | "max_error_rate"
>;
export type Sample = { server: string; at: string; ok: boolean; ms: number | null };
/** A server that is probed, with how it was before the change: null where it was not there. */
export type Probed = { id: string; before: string | null };

/** Servers whose entry, lock or agent is another one after a change. Pure. */
export function touchedServers(before: Snapshot, after: Snapshot): string[] {
  const entries = ({ registry }: Snapshot) => new Map(registry.servers.map((server) => [server.id, server]));
  const [old, now] = [entries(before), entries(after)];
  const differs = (a: unknown, b: unknown): boolean => canonicalJson(a ?? null) !== canonicalJson(b ?? null);
  const byEntry = [...now.keys()].filter((id) => differs(old.get(id), now.get(id)));
  const byLock = [...now.keys()].filter((id) =>
    differs(before.toolLock.servers[id], after.toolLock.servers[id]),
  );
  const byAgent = [...after.agents.values()].flatMap((agent) =>
    agent.server !== undefined && differs(before.agents.get(agent.name), agent) ? [agent.server] : [],
  );
  return [...new Set([...byEntry, ...byLock, ...byAgent])].filter((id) => now.has(id)).toSorted();
}

export type Verdict = { status: "passed" | "failed" | "inconclusive"; detail: Text };

/**
 * What samples say, held against the policy. Pure. A server that did as badly before the change
 * says nothing of it; nor do samples that are too few.
 */
export function judge(servers: readonly Probed[], samples: readonly Sample[], policy: CanaryPolicy): Verdict {
  const verdicts = servers.map((server) =>
    judgeOne(
      server,
      samples.filter((sample) => sample.server === server.id),
      policy,
    ),
  );
  const worst =
    verdicts.find(({ status }) => status === "failed") ??
    verdicts.find(({ status }) => status === "inconclusive");
  return worst ?? { status: "passed", detail: passed(servers, samples) };
}

function judgeOne({ id, before }: Probed, samples: readonly Sample[], policy: CanaryPolicy): Verdict {
  if (samples.length < policy.probes) {
    return inconclusive(
      `${id}: only ${samples.length} of ${policy.probes} probes could be made`,
      `${id}: apenas ${samples.length} de ${policy.probes} verificações puderam ser feitas`,
    );
  }
  const errors = samples.filter(({ ok }) => !ok).length;
  const slowest = Math.max(0, ...samples.map(({ ms }) => ms ?? 0));
  const tooMany = errors / samples.length > policy.max_error_rate;
  if (!tooMany && slowest <= policy.max_latency_ms) return { status: "passed", detail: text("", "") };
  const what = tooMany
    ? text(
        `${id}: ${errors} of ${samples.length} probes failed; max_error_rate is ${policy.max_error_rate}`,
        `${id}: ${errors} de ${samples.length} verificações falharam; max_error_rate é ${policy.max_error_rate}`,
      )
    : text(
        `${id}: a probe took ${Math.round(slowest)} ms; max_latency_ms is ${policy.max_latency_ms}`,
        `${id}: uma verificação levou ${Math.round(slowest)} ms; max_latency_ms é ${policy.max_latency_ms}`,
      );
  if (before === "down" || before === "quarantined") {
    return inconclusive(
      `${what.en}. It was ${before} before the change too`,
      `${what["pt-BR"]}. Já estava em ${before} antes da mudança`,
    );
  }
  return { status: "failed", detail: what };
}

const inconclusive = (en: string, ptBR: string): Verdict => ({
  status: "inconclusive",
  detail: text(
    `${en}. A person must decide: keep the change, probe again, or roll back`,
    `${ptBR}. Uma pessoa deve decidir: manter a mudança, verificar de novo ou reverter`,
  ),
});

function passed(servers: readonly Probed[], samples: readonly Sample[]): Text {
  const slowest = Math.round(Math.max(0, ...samples.map(({ ms }) => ms ?? 0)));
  const list = servers.map(({ id }) => id).join(", ");
  return text(
    `${list}: ${samples.length} probes, the slowest ${slowest} ms`,
    `${list}: ${samples.length} verificações, a mais lenta em ${slowest} ms`,
  );
}
