import { type Locale, type NewCycle, newCycleSchema, type PolicyOf } from "@ciclo/contract";
import type { AuditedTransaction, Queries } from "../../db/dialect.ts";
import type { Actor } from "../../domain/actor.ts";
import type { CycleWish, CycleWishOutcome } from "../../domain/cycle-wish.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { type IssueDeps, issueText } from "./issue-address.ts";
import { asEvidence, takeIn } from "./attachments.ts";
import { keepEvidence } from "./keep.ts";
import { cycleIdFor, shownTitle, titleOf } from "./naming.ts";
import { noPolicy } from "./refusals.ts";
import type { ExtractDeps } from "./sandbox/extract.ts";
import * as store from "./store.ts";
import { issueOf, repositoriesCalled } from "./wish.ts";

export type StartDeps = IssueDeps &
  ExtractDeps & {
    queries: Queries;
    transaction: AuditedTransaction;
    clock: Clock;
    policy(): Promise<PolicyOf<"cycles"> | null>;
    /** Whether the models of this console are a replay: its cycles say so wherever they are shown. */
    isReplay: boolean;
    /** Refuses a repository that no cycle may work on. Returns its address as it is stored. */
    allowed(repository: string, policy: PolicyOf<"cycles">): Promise<string>;
    matchesAny(path: string, patterns: readonly string[]): boolean;
    /** Refuses texts, by their fields, of which one holds a credential. */
    refuseSecrets(words: ReadonlyMap<string, string>): Promise<void>;
  };

const mostNamed = 20;
/** So many cycles are looked at for repositories that a name may mean. */
const mostLookedAt = 500;

/** Starts a cycle for what somebody said in words, or says what it still takes. Throws a `Refusal` as `startCycle` does. */
export async function startFor(
  deps: StartDeps,
  actor: Actor,
  { issue, repository: name, branch }: CycleWish,
  locale: Locale,
): Promise<CycleWishOutcome> {
  const policy = await deps.policy();
  if (policy === null) throw noPolicy();
  const { repositories: patterns } = policy;
  const known = await store.repositoriesOf(deps.queries, mostLookedAt);
  const matches = (address: string): boolean => deps.matchesAny(address, patterns);
  const found = name === null ? [] : await repositoriesCalled(name, { patterns, known, matches });
  const [repository, ...others] = found;
  if (repository === undefined || others.length > 0) {
    const mayBe = found.length > 0 ? found : [...known.filter(matches), ...patterns];
    return { kind: "which_repository", name, may_be: [...new Set(mayBe)].slice(0, mostNamed) };
  }
  if (issue === null) return { kind: "no_issue", repository };
  const text = issueOf(issue, repository, deps.forge);
  if (text === null) return { kind: "no_issues_there", repository };
  const request = { repository, issue: text, ...(branch === null ? {} : { base_branch: branch }) };
  const id = await startCycle(deps, actor, newCycleSchema.parse(request), locale);
  const cycle = await store.findCycle(deps.queries, id);
  return { kind: "started", cycle: { id, title: cycle?.title ?? id, repository } };
}

/** Writes a new cycle down. Returns its id. */
export async function startCycle(
  deps: StartDeps,
  actor: Actor,
  request: NewCycle,
  locale: Locale,
): Promise<string> {
  const policy = await deps.policy();
  if (policy === null) throw noPolicy();
  const issue = await issueText(request.issue, deps);
  await deps.refuseSecrets(
    new Map([
      ["issue", issue],
      ["title", request.title ?? ""],
    ]),
  );
  const repository = await deps.allowed(request.repository, policy);
  // Reading documents takes a while: not before everything else is right.
  const attachments = await takeIn(deps, request.attachments ?? []);
  await deps.refuseSecrets(
    new Map(attachments.map(({ name, text }, at) => [`attachments.${at}`, `${name}\n${text ?? ""}`])),
  );
  const title = shownTitle(request.title ?? titleOf(issue));
  const id = cycleIdFor(title);
  const at = stamp(deps.clock());
  await deps.transaction(async (queries, record) => {
    await store.insertCycle(
      queries,
      newCycle({ id, title, at, actor, locale, repository, replay: deps.isReplay }, { ...request, issue }),
    );
    for (const evidence of asEvidence(attachments)) await keepEvidence(queries, id, evidence, at);
    await record({
      actor,
      action: "cycle.started",
      resource: `cycle:${id}`,
      planId: id,
      status: "succeeded",
      metadata: { repository, title, attachments: attachments.map(({ name }) => name) },
    });
  });
  return id;
}

const newCycle = (
  of: {
    id: string;
    title: string;
    at: string;
    actor: Actor;
    locale: Locale;
    repository: string;
    replay: boolean;
  },
  { issue, base_branch }: NewCycle,
): store.StoredCycle => ({
  id: of.id,
  title: of.title,
  issue,
  repository: of.repository,
  base_branch: base_branch ?? null,
  base_commit: null,
  head_commit: null,
  branch: null,
  recipe: null,
  state: "running",
  stage: "prepare",
  waits_for: null,
  reason: null,
  note: null,
  requested_by: of.actor.id ?? "",
  requested_by_name: of.actor.name,
  locale: of.locale,
  held_by: null,
  held_until: null,
  tries: 0,
  version: 1,
  created_at: of.at,
  updated_at: of.at,
  ended_at: null,
  replay: of.replay,
  pull_request: null,
  rollback: null,
  withdrawn_at: null,
  evidence_removed_at: null,
});
