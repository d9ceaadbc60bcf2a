import { type Analysis, permits, text } from "@ciclo/contract";
import type { Actor } from "../../domain/actor.ts";
import { notFound, Refusal } from "../../errors.ts";
import { endStates, policyFile } from "./rules.ts";
import type { StoredArtifact, StoredCycle } from "./store.ts";

/** Who asked for a cycle may halt it, and so may whoever decides. */
export function refuseOthers(actor: Actor, cycle: StoredCycle): void {
  if (actor.id === cycle.requested_by || permits(actor.roles, "decide")) return;
  throw new Refusal(
    "policy_denied",
    text(
      `The cycle is ${cycle.requested_by_name}'s: they or an approver may do that`,
      `O ciclo é de ${cycle.requested_by_name}: só essa pessoa ou um aprovador pode fazer isso`,
    ),
  );
}

export function refuseUnanswered(analysis: StoredArtifact | undefined): void {
  const open = (analysis?.content as Analysis | undefined)?.quick_spec.open_questions ?? [];
  const ids = open.filter(({ answer }) => answer === null).map(({ id }) => id);
  if (ids.length === 0) return;
  throw new Refusal(
    "policy_denied",
    text(
      `Answer the open questions first: ${ids.join(", ")}. Planning goes by the answers`,
      `Responda antes às questões em aberto: ${ids.join(", ")}. O planejamento segue as respostas`,
    ),
  );
}

export function refuseEnded(cycle: StoredCycle): void {
  if (endStates.has(cycle.state)) throw notIn(cycle);
}

export const unknown = (id: string): Refusal =>
  notFound(`No cycle ${id}. See: ciclo cycle list`, `Não há ciclo ${id}. Veja: ciclo cycle list`);

export const noDiff = (id: string): Refusal =>
  notFound(
    `The cycle ${id} has no work to show here yet`,
    `O ciclo ${id} ainda não tem trabalho para mostrar aqui`,
  );

export const noEvidence = (id: string, sha256: string): Refusal =>
  notFound(`The cycle ${id} has no evidence ${sha256}`, `O ciclo ${id} não tem a evidência ${sha256}`);

export const removedEvidence = (name: string, at: string | null): Refusal =>
  notFound(
    `${name} was deleted on ${at ?? "?"}, as policies/retention.yaml says (cycle_evidence). Its name and hash stay`,
    `${name} foi apagado em ${at ?? "?"}, como diz policies/retention.yaml (cycle_evidence). Seu nome e hash permanecem`,
  );

export const notIn = ({ state, stage, waits_for: waits }: StoredCycle): Refusal =>
  new Refusal(
    "already_decided",
    text(
      `The cycle is ${state} at ${stage}${waits === null ? "" : `, waiting for ${waits}`}: that cannot be done there. Look at it again`,
      `O ciclo está ${state} em ${stage}${waits === null ? "" : `, aguardando ${waits}`}: isso não pode ser feito ali. Olhe de novo`,
    ),
  );

export const isMerging = (): Refusal =>
  new Refusal(
    "already_decided",
    text(
      "The cycle is being merged, which takes a moment and cannot be called back. Look again then; what is merged can be reverted in the repository",
      "O ciclo está sendo integrado, o que leva um momento e não pode ser desfeito. Olhe de novo então; o que foi integrado pode ser revertido no repositório",
    ),
  );

export const moved = (): Refusal =>
  new Refusal(
    "stale_plan",
    text(
      "The cycle has moved on since you looked at it. Look at it again, then decide",
      "O ciclo avançou desde que você o viu. Olhe de novo e então decida",
    ),
  );

export const noPolicy = (): Refusal =>
  new Refusal(
    "policy_denied",
    text(
      `There is no usable ${policyFile}: it names the repositories that cycles may work on. Plan one: ciclo plan edit_policies --set policy_id=cycles --set create=true --set changes.kind=cycles --set changes.title=Cycles --set 'changes.repositories=["/srv/git/*"]'`,
      `Não há ${policyFile} utilizável: ele nomeia os repositórios em que ciclos podem trabalhar. Planeje um: ciclo plan edit_policies --set policy_id=cycles --set create=true --set changes.kind=cycles --set changes.title=Cycles --set 'changes.repositories=["/srv/git/*"]'`,
    ),
  );
