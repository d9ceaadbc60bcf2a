import { readdirSync } from "node:fs";
import { type ChangeDetail, type Client, createClient } from "@ciclo/contract";
import { expect } from "vitest";
import { eventually } from "../support/eventually.ts";
import { git } from "../support/git.ts";
import type { Tracked } from "./workload.ts";

/** What a campaign found. Every number but `changes` must be 0. */
export type Outcome = {
  changes: number;
  lost: string[];
  doubled: string[];
  stuck: string[];
  strays: string[];
};

/** Waits until nothing is under way and nothing is held up; throws with what the console logged where that never comes. */
export async function comeToRest(client: Client, log: () => string): Promise<void> {
  try {
    await eventually(
      async () => ({
        health: await client.call("getHealth"),
        underWay: await Promise.all(
          (["pending", "in_progress"] as const).map((status) =>
            client.call("listChanges", { query: { status } }),
          ),
        ),
      }),
      ({ health, underWay }) =>
        underWay.every(({ items }) => items.length === 0) &&
        health.checks.find(({ id }) => id === "changes")?.status === "ok",
    );
  } catch (error) {
    throw new Error(`the console does not come to rest; it logged: ${log().slice(-4000)}`, { cause: error });
  }
}

/** Holds what was acknowledged against what is there, once the console has come to rest. */
export async function outcomeOf(options: {
  url: string;
  token: string;
  repository: string;
  changes: readonly Tracked[];
}): Promise<Outcome> {
  const client = createClient({ baseUrl: options.url, token: options.token });
  const outcome: Outcome = { changes: options.changes.length, lost: [], doubled: [], stuck: [], strays: [] };
  const open = new Set<string>();
  for (const tracked of options.changes.filter(({ acknowledged }) => acknowledged !== "planned")) {
    const change = await client.call("getChange", { params: { plan_id: tracked.planId } });
    if (isLost(tracked, change)) {
      outcome.lost.push(`${tracked.planId} ${tracked.acknowledged}: ${change.status} ${change.outcome}`);
    }
    const landings = change.timeline.filter(({ type }) => type === "change.applied").length;
    const added = timesIn(options.repository, "A", tracked.agent);
    const removed = timesIn(options.repository, "D", tracked.agent);
    if (landings > 1 || added > 1 || removed > 1) {
      outcome.doubled.push(`${tracked.planId}: ${landings} landings, ${added} added, ${removed} removed`);
    }
    if (change.status === "in_progress" || change.status === "pending") {
      outcome.stuck.push(`${tracked.planId}: ${change.message}`);
    }
    if (change.status === "hitl_required") open.add(change.branch);
  }
  // A submission whose answer was never seen may wait for approval all the same.
  const { items } = await client.call("listApprovals", { query: { status: "pending", limit: 200 } });
  for (const { branch } of items) open.add(branch);
  outcome.strays = strayFiles(options.repository).concat(
    refs(options.repository).filter((ref) => ref !== "refs/heads/main" && !open.has(ref.slice(11))),
  );
  return outcome;
}

function isLost({ acknowledged, isUncertain }: Tracked, change: ChangeDetail): boolean {
  // What was asked last and never answered may have been done or not.
  const isUndone = change.outcome === "rolled_back";
  if (acknowledged === "submitted") return change.outcome !== null && !isUncertain;
  if (acknowledged === "approved") return change.outcome !== "applied" && !(isUncertain && isUndone);
  return !isUndone;
}

/** In how many commits of the live branch an agent's file was added or deleted. */
const timesIn = (repository: string, filter: "A" | "D", agent: string): number =>
  git(
    repository,
    "log",
    "--first-parent",
    "-m",
    `--diff-filter=${filter}`,
    "--format=%H",
    "main",
    "--",
    `agents/${agent}/agent.yaml`,
  )
    .split("\n")
    .filter((line) => line !== "").length;

const refs = (repository: string): string[] =>
  git(repository, "for-each-ref", "--format=%(refname)")
    .split("\n")
    .filter((ref) => ref !== "");

/** Locks, half-written packs and indexes that git or the console left behind. */
export function strayFiles(repository: string): string[] {
  const names = readdirSync(repository, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.lock$|(^|\/)tmp_|\.index$|\.tmp$|(^|\/)incoming-/.test(name));
}

export function expectClean(outcome: Outcome): void {
  expect(outcome).toEqual({ changes: outcome.changes, lost: [], doubled: [], stuck: [], strays: [] });
}
