import { type Client, createClient, type Planned, type PlanExecutionResult } from "@ciclo/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CrashingConsole, crashingConsole } from "./support/crashing.ts";
import { branches, git } from "./support/git.ts";
import { isThorough } from "./support/extent.ts";
import { eventually } from "./support/eventually.ts";
import { provision, verifyAudit } from "./support/provision.ts";
import { temporaryFolder } from "./support/temporary.ts";

const steps = (...names: string[]): string[] => [
  "begun",
  ...names.flatMap((name) => [`${name}:started`, `${name}:done`]),
  "finished",
];

/** Where each operation writes its journal, and so where it is cut off. */
const points: [string, string][] = [
  ...steps("write-commit", "create-branch").map((point): [string, string] => ["submit", point]),
  ...steps("land", "delete-branch").map((point): [string, string] => ["land", point]),
  ...steps("revert").map((point): [string, string] => ["revert", point]),
  ...steps("close-pull-request", "delete-branch").map((point): [string, string] => ["discard", point]),
];

/**
 * Kills one console at journal step after journal step of apply and rollback, and looks at what the next one,
 * on the same data, makes of it.
 */
export function crashSuite(database: () => Promise<Record<string, string>>, turn: 0 | 1): void {
  // Each point on one of the databases; on both where more is tried.
  const tried = points.filter((_, index) => isThorough || index % 2 === turn);
  let server: CrashingConsole;
  let tokens: Record<string, string>;
  let repository: string;

  beforeAll(async () => {
    const environment = { CICLO_HOME: await temporaryFolder(), ...(await database()) };
    tokens = await provision(environment, { author: ["planner"], approver: ["approver"] });
    server = crashingConsole(environment);
    repository = `${environment.CICLO_HOME}/config.git`;
  });
  afterAll(() => server.stop());

  const connect = (url: string, who: string): Client => createClient({ baseUrl: url, token: tokens[who] });

  const submit = (url: string, { plan, patch }: Planned) =>
    connect(url, "author").call("apply", {
      body: { plan, patch, actor: "author", actor_email: "author@example.com" },
    });

  const approve = (url: string, submitted: PlanExecutionResult) =>
    connect(url, "approver").call("apply", {
      body: { approval_id: submitted.approval_id ?? "", approval_decision: "approve" },
    });

  const rollBack = (url: string, planId: string) =>
    connect(url, "approver").call("rollback", { body: { plan_id: planId } });

  const branchesAre = (expected: string[]) =>
    eventually(
      () => Promise.resolve(branches(repository)),
      (found) => found.toSorted().join() === expected.toSorted().join(),
    );

  it.each(tried)("%s, %s", async (operation, step) => {
    const { url } = await server.running();
    const point = `${operation} ${step}`;
    const planned = await connect(url, "author").call("plan", {
      body: { intent: "add_agent", payload: { agent_name: point.replaceAll(/\W/g, "-") } },
    });
    const planId = planned.plan.id;
    const base = git(repository, "rev-parse", "main");
    if (operation === "submit") {
      await server.dieAt(point, (at) => submit(at, planned));
    } else {
      const submitted = await submit(url, planned);
      if (operation === "land") await server.dieAt(point, (at) => approve(at, submitted));
      if (operation === "revert") await approve(url, submitted);
      if (operation === "revert" || operation === "discard")
        await server.dieAt(point, (at) => rollBack(at, planId));
    }

    const next = await server.running();
    const ended = { submit: "hitl_required", land: "completed", revert: "failed", discard: "failed" }[
      operation
    ];
    const change = await eventually(
      () => connect(next.url, "author").call("getChange", { params: { plan_id: planId } }),
      (answer) => answer.status === ended,
    );
    await branchesAre(operation === "submit" ? ["main", change.branch ?? ""] : ["main"]);
    const commits = { submit: 0, land: 1, revert: 2, discard: 0 }[operation];
    expect(git(repository, "rev-list", "--count", `${base}..main`)).toBe(String(commits));
    if (operation === "submit") {
      await approve(next.url, change);
      await branchesAre(["main"]);
    }
    if (operation === "land") {
      expect(change.approvals).toMatchObject({ given: 1 });
      expect(git(repository, "rev-parse", "main")).toBe(change.commit_sha);
    }
    if (operation === "revert" || operation === "discard") {
      expect(change.outcome).toBe("rolled_back");
      expect(git(repository, "diff", base, "main")).toBe("");
      expect((await rollBack(next.url, planId)).message).toContain("already");
    }
    const applied = change.timeline.filter(({ type }) => type === "change.applied");
    expect(applied.length).toBeLessThanOrEqual(1);
    expect(await verifyAudit(server.environment)).toMatchObject({ ok: true });
  });

  it("leaves an audit log that verifies, once the console has stopped", async () => {
    await server.stop();
    expect(await verifyAudit(server.environment)).toMatchObject({ ok: true });
  });
}

export const crashes = (name: string, database: () => Promise<Record<string, string>>, turn: 0 | 1) =>
  describe(`SIGKILL on ${name}`, () => {
    crashSuite(database, turn);
  });
