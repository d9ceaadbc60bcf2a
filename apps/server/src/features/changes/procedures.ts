import type { OperationKind } from "../../domain/operations.ts";
import { z } from "zod";
import { fromJson } from "../../db/json.ts";
import { pullRequestSchema } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { system } from "../../domain/actor.ts";
import { stamp } from "../../lib/clock.ts";
import type { ChangesDeps } from "./deps.ts";
import type { Procedure, Step } from "./journal.ts";
import * as journal from "./journal-store.ts";
import * as store from "./store.ts";

/** Date and author of everything a record writes: taken from the record, so that a repeat writes the same. */
export function signature(change: store.Change) {
  const email = change.actor_email ?? "ciclo@localhost";
  return { author: { name: change.actor, email }, at: change.created_at };
}

export const markerOf = (record: { id: string }): string => `Ciclo-Record: ${record.id}`;

/** What a record keeps beside its columns. */
const metadataSchema = z.object({ commit_message: z.string().optional(), outcome: z.string().optional() });

/** Steps and endings of the four operations. */
export function createProcedures(deps: ChangesDeps): Record<OperationKind, Procedure> {
  return {
    submit: submitProcedure(deps),
    land: landProcedure(deps),
    discard: discardProcedure(deps),
    revert: revertProcedure(deps),
  };
}

function submitProcedure(deps: ChangesDeps): Procedure {
  const { repository, forge } = deps;
  const createBranch: Step = {
    name: "create-branch",
    async run(change) {
      const created = await repository.createBranch(change.branch, commitOf(change));
      return { conflict: created ? null : ((await repository.branchTip(change.branch)) ?? "unknown") };
    },
  };
  const openPullRequest: Step = {
    name: "open-pull-request",
    async run(change, results) {
      if (forge === null || conflictOf(results) !== null) return {};
      const planned = await deps.findPlan(change.plan_id);
      const request = planned === undefined ? null : deps.preview(planned.plan, change.actor).pull_request;
      const opened = await forge.open({
        branch: change.branch,
        base: change.base_branch,
        title: request?.title ?? change.summary,
        body: request?.body ?? "",
      });
      return { pull_request: JSON.stringify(opened) };
    },
  };
  return {
    steps: [writeCommit(deps), createBranch, ...(forge === null ? [] : [openPullRequest])],
    async finish({ queries, at }, change, results) {
      if (conflictOf(results) !== null) {
        await abandon(queries, change, at);
        return;
      }
      const approval = await store.findApproval(queries, "change_record_id", change.id);
      await store.updateChange(queries, change.id, {
        status: approval === undefined ? "in_progress" : "hitl_required",
        pull_request: results.get("open-pull-request")?.pull_request ?? null,
        updated_at: at,
      });
      if (approval === undefined) {
        await journal.queueOperation(queries, change, "land", at);
      }
    },
  };
}

const conflictOf = (results: ReadonlyMap<string, journal.StepResult>): string | null =>
  results.get("create-branch")?.conflict ?? null;

const commitOf = (change: store.Change): string => {
  if (change.commit_sha === null) throw new Error(`change ${change.id} has no commit`);
  return change.commit_sha;
};

/** The branch belongs to somebody else: the submission comes to nothing. */
async function abandon(queries: Parameters<typeof store.updateChange>[0], change: store.Change, at: string) {
  const approval = await store.findApproval(queries, "change_record_id", change.id);
  if (approval !== undefined) await store.resolveApproval(queries, approval.id, "superseded", at);
  await store.updateChange(queries, change.id, { status: "failed", outcome: null, updated_at: at });
}

/**
 * Makes sure that the commit's objects are there. They may have been lost with a crash, or been written on
 * another node; the same commit comes out of the same record.
 */
export async function ensureCommit(
  { repository, findPlan, planFiles, preview }: ChangesDeps,
  change: store.Change,
): Promise<void> {
  if (await repository.hasCommit(commitOf(change))) return;
  // What it stands on may have been pushed since this node last looked.
  if (!(await repository.hasCommit(change.base_commit))) await repository.refresh();
  const planned = await findPlan(change.plan_id);
  if (planned === undefined) throw new Error(`change ${change.id} has no plan`);
  const message = fromJson(metadataSchema, change.metadata).commit_message;
  const written = await repository.commit({
    base: change.base_commit,
    files: planFiles(planned.plan),
    message: message ?? preview(planned.plan, change.actor).commit_message,
    ...signature(change),
  });
  if (written !== change.commit_sha) throw new Error(`commit of ${change.id} came out as ${written}`);
}

const writeCommit = (deps: ChangesDeps): Step => ({
  name: "write-commit",
  async run(change) {
    await ensureCommit(deps, change);
    return {};
  },
});

function landProcedure(deps: ChangesDeps): Procedure {
  const land: Step = {
    name: "land",
    async run(change) {
      await ensureCommit(deps, change);
      return deps.forge === null ? landDirectly(deps, change) : landByForge(deps, change);
    },
  };
  return {
    steps: [land, deleteBranch(deps)],
    async finish(tx, change, results) {
      const landed = results.get("land")?.landed ?? null;
      const stale = results.get("land")?.stale ?? null;
      await store.updateChange(tx.queries, change.id, {
        status: landed === null ? "failed" : "completed",
        outcome: landed === null ? "stale" : "applied",
        landed_sha: landed,
        pull_request: results.get("land")?.pull_request ?? change.pull_request,
        updated_at: tx.at,
      });
      await store.noteLanding(tx.queries, change.base_branch, landed);
      if (landed === null) await journal.queueOperation(tx.queries, change, "discard", tx.at);
      else await deps.planCanary(tx.queries, change);
      await tx.record({
        actor: system,
        action: landed === null ? "change.stale" : "change.applied",
        resource: `change:${change.plan_id}`,
        status: landed === null ? "failed" : "succeeded",
        planId: change.plan_id,
        metadata: {
          base_branch: change.base_branch,
          commit: landed,
          ...(stale === null ? {} : { paths: stale }),
        },
      });
    },
  };
}

async function landDirectly(deps: ChangesDeps, change: store.Change): Promise<journal.StepResult> {
  const result = await deps.repository.land({
    commit: commitOf(change),
    base: change.base_commit,
    message: `Merge ${change.branch}\n\n${change.summary}\n`,
    objections: (head) => objections(deps, change, head),
    brokenBy: (head, commit) => brokenBy(deps, head, commit),
    ...signature(change),
  });
  return result.outcome === "landed"
    ? { landed: result.commit, stale: null }
    : { landed: null, stale: result.paths.join(", ") };
}

/** What is whole at `head` and would not be at `commit`: schemas, and agents whose server is gone. */
export async function brokenBy({ repository }: ChangesDeps, head: string, commit: string): Promise<string[]> {
  const broken = async (at: string): Promise<string[]> => {
    const { problems, agents, registry } = await repository.snapshot(at);
    const servers = new Set(registry.servers.map(({ id }) => id));
    const orphans = [...agents.values()].filter(({ server }) => server !== undefined && !servers.has(server));
    return [
      ...problems.map(({ path }) => path.replace(/:\d+$/, "")),
      ...orphans.map(({ name }) => `agents/${name}/agent.yaml`),
    ];
  };
  const before = new Set(await broken(head));
  return (await broken(commit)).filter((path) => !before.has(path));
}

/** The rules that the change was let through by must still be those of the commit it lands on. */
async function objections(deps: ChangesDeps, change: store.Change, head: string): Promise<string[]> {
  const snapshot = await deps.repository.snapshot(head);
  const approval = await store.findApproval(deps.database.queries, "change_record_id", change.id);
  const holds =
    approval === undefined
      ? deps.allowsDirect(snapshot, await changedPaths(deps, change))
      : approval.policy_version === snapshot.approvalsVersion;
  return holds ? [] : ["policies/approvals.yaml"];
}

async function landByForge(deps: ChangesDeps, change: store.Change): Promise<journal.StepResult> {
  const { forge, repository } = deps;
  if (forge === null || change.pull_request === null)
    throw new Error(`change ${change.id} has no pull request`);
  const head = await repository.refresh();
  const { number } = fromJson(pullRequestSchema, change.pull_request);
  const open = await forge.read(number);
  if (open.state === "open") {
    const paths = await repository.touched(
      change.base_commit,
      commitOf(change),
      await changedPaths(deps, change),
    );
    const overlap = await repository.touched(change.base_commit, head, paths);
    const against = [...overlap, ...(await objections(deps, change, head))];
    if (against.length > 0) return { landed: null, stale: against.join(", ") };
  }
  const merged = await forge.merge(number, commitOf(change), change.summary);
  if (!merged.merged) throw waitForForge(forge.provider, merged.reason);
  await repository.refresh();
  return { landed: merged.commit, stale: null, pull_request: JSON.stringify(await forge.read(number)) };
}

async function changedPaths(deps: ChangesDeps, change: store.Change): Promise<string[]> {
  const planned = await deps.findPlan(change.plan_id);
  return planned === undefined ? [] : [...deps.planFiles(planned.plan).keys()];
}

function waitForForge(provider: string, reason: string): Refusal {
  return new Refusal("repository_unavailable", {
    en: `${provider} does not merge yet: ${reason}`,
    "pt-BR": `${provider} ainda não faz o merge: ${reason}`,
  });
}

/** Removes the change's branch. One that somebody pushed to is theirs now, and is kept. */
function deleteBranch({ repository }: ChangesDeps): Step {
  return {
    name: "delete-branch",
    async run(change) {
      try {
        await repository.deleteBranch(change.branch, commitOf(change));
        return {};
      } catch (error) {
        if (error instanceof Refusal && error.code === "branch_exists") return { kept: error.message };
        throw error;
      }
    },
  };
}

function discardProcedure(deps: ChangesDeps): Procedure {
  const closePullRequest: Step = {
    name: "close-pull-request",
    async run(change) {
      if (deps.forge === null || change.pull_request === null) return {};
      const { number } = fromJson(pullRequestSchema, change.pull_request);
      await deps.forge.close(number);
      return { pull_request: JSON.stringify(await deps.forge.read(number)) };
    },
  };
  return {
    steps: [closePullRequest, deleteBranch(deps)],
    async finish({ queries, record }, change, results) {
      const closed = results.get("close-pull-request")?.pull_request ?? null;
      if (closed === null) return;
      await store.updateChange(queries, change.id, { pull_request: closed });
      const { number, state } = fromJson(pullRequestSchema, closed);
      await record({
        actor: system,
        action: "pull_request.synchronised",
        resource: `change:${change.plan_id}`,
        status: "succeeded",
        planId: change.plan_id,
        metadata: { number, state },
      });
    },
  };
}

function revertProcedure(deps: ChangesDeps): Procedure {
  const revert: Step = {
    name: "revert",
    async run(rollback) {
      if (rollback.landed_sha === null) throw new Error(`rollback ${rollback.id} has nothing to revert`);
      const result = await deps.repository.revert(rollback.landed_sha, {
        message: `Revert "${rollback.summary}"\n\nPlan: ${rollback.plan_id}\n${markerOf(rollback)}\n`,
        marker: markerOf(rollback),
        brokenBy: (head, commit) => brokenBy(deps, head, commit),
        author: signature(rollback).author,
        at: rollback.created_at,
      });
      if (result.outcome === "conflict") return { conflict: result.paths.join(", "), commit: null };
      const commit = result.outcome === "reverted" ? result.commit : null;
      return { conflict: null, commit, ...(result.outcome === "not_there" ? { gone: "gone" } : {}) };
    },
  };
  return {
    steps: [revert],
    async finish({ queries, record, at }, rollback, results) {
      const conflict = results.get("revert")?.conflict ?? null;
      const commit = results.get("revert")?.commit ?? null;
      if (conflict !== null) {
        // Nothing was changed; without its row the rollback can be asked for again.
        await journal.deleteOperations(queries, rollback.id);
        await store.deleteChange(queries, rollback.id);
      } else {
        await store.updateChange(queries, rollback.id, {
          status: "failed",
          outcome: endOf(rollback),
          commit_sha: commit,
          // Where the branch comes to hold the change again, this rollback is what is missed.
          ...(results.get("revert")?.gone === undefined ? {} : { metadata: withGone(rollback) }),
          updated_at: at,
        });
        await store.noteLanding(queries, rollback.base_branch, commit);
        if (endOf(rollback) === "rolled_back") await deps.planCanary(queries, rollback);
      }
      await record({
        actor: system,
        action: conflict === null ? "change.rolled_back" : "change.revert_conflict",
        resource: `change:${rollback.plan_id}`,
        status: conflict === null ? "succeeded" : "failed",
        planId: rollback.plan_id,
        metadata: conflict === null ? { commit, base_branch: rollback.base_branch } : { paths: conflict },
      });
    },
  };
}

const withGone = ({ metadata }: store.Change): string =>
  JSON.stringify({ ...fromJson(z.record(z.string(), z.unknown()), metadata), gone: true });

/** What a rollback ends as: it says so itself where a canary asked for it. */
const endOf = ({ metadata }: store.Change): string =>
  fromJson(metadataSchema, metadata).outcome ?? "rolled_back";

export const nowOf = (deps: ChangesDeps): string => stamp(deps.clock());
