import { createClient, type Planned, type PlanExecutionResult } from "@ciclo/contract";
import { beforeEach, describe, expect, it } from "vitest";
import { branches, git } from "./support/git.ts";
import { isEverything } from "./support/extent.ts";
import { eventually } from "./support/eventually.ts";
import { provision, verifyAudit } from "./support/provision.ts";
import { startProcess } from "./support/process.ts";
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

/** Kills a console at every journal step of apply and rollback, and looks at what the next one makes of it. */
export function crashSuite(database: () => Promise<Record<string, string>>, turn: 0 | 1): void {
  // Each point on one of the databases; on both where everything is asked for.
  const tried = points.filter((_, index) => isEverything || index % 2 === turn);
  let environment: Record<string, string>;
  let tokens: Record<string, string>;

  beforeEach(async () => {
    const home = await temporaryFolder();
    environment = { CICLO_HOME: home, ...(await database()) };
    tokens = await provision(environment, { author: ["planner"], approver: ["approver"] });
  });

  const connect = (url: string, who: string) => createClient({ baseUrl: url, token: tokens[who] });

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

  /** Runs the call during which the console dies; its connection breaks. */
  const until = async (exited: Promise<unknown>, call: Promise<unknown>): Promise<void> => {
    const outcome = await call.then(
      () => "answered",
      () => "broken",
    );
    await exited;
    expect(outcome).toBe("broken");
  };

  it.each(tried)("%s, %s", async (operation, point) => {
    const first = await startProcess(environment, [operation, point]);
    const planned = await connect(first.url, "author").call("plan", {
      body: { intent: "add_agent", payload: { agent_name: "crash" } },
    });
    const planId = planned.plan.id;
    const repository = `${environment.CICLO_HOME}/config.git`;
    const base = git(repository, "rev-parse", "main");
    if (operation === "submit") {
      await until(first.exited, submit(first.url, planned));
    } else {
      const submitted = await submit(first.url, planned);
      if (operation === "land") await until(first.exited, approve(first.url, submitted));
      if (operation === "revert") await approve(first.url, submitted);
      if (operation === "revert" || operation === "discard")
        await until(first.exited, rollBack(first.url, planId));
    }

    const second = await startProcess(environment);
    const ended = { submit: "hitl_required", land: "completed", revert: "failed", discard: "failed" }[
      operation
    ];
    const change = await eventually(
      () => connect(second.url, "author").call("getChange", { params: { plan_id: planId } }),
      (answer) => answer.status === ended,
    );
    const expected =
      { submit: ["main", change.branch], land: ["main"], revert: ["main"], discard: ["main"] }[operation] ??
      [];
    await eventually(
      () => Promise.resolve(branches(repository)),
      (found) => found.toSorted().join() === expected.toSorted().join(),
    );
    const commits = { submit: 0, land: 1, revert: 2, discard: 0 }[operation];
    expect(git(repository, "rev-list", "--count", `${base}..main`)).toBe(String(commits));
    if (operation === "submit") await approve(second.url, change);
    if (operation === "land") {
      expect(change.approvals).toMatchObject({ given: 1 });
      expect(git(repository, "rev-parse", "main")).toBe(change.commit_sha);
    }
    if (operation === "revert" || operation === "discard") {
      expect(change.outcome).toBe("rolled_back");
      expect(git(repository, "diff", base, "main")).toBe("");
      expect((await rollBack(second.url, planId)).message).toContain("already");
    }
    const applied = change.timeline.filter(({ type }) => type === "change.applied");
    expect(applied.length).toBeLessThanOrEqual(1);
    expect(await verifyAudit(environment)).toMatchObject({ ok: true });
    await second.stop();
    expect(await verifyAudit(environment)).toMatchObject({ ok: true });
  });
}

export const crashes = (name: string, database: () => Promise<Record<string, string>>, turn: 0 | 1) =>
  describe(`SIGKILL on ${name}`, () => {
    crashSuite(database, turn);
  });
