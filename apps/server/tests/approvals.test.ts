import { beforeEach, describe, expect, it } from "vitest";
import { settableClock } from "./support/clock.ts";
import {
  decideWith,
  type Person,
  planWith,
  problemOf,
  startConsole,
  submitWith,
  type TestConsole,
} from "./support/console.ts";
import { branches, git } from "./support/git.ts";

const hour = 3_600_000;
let clock: ReturnType<typeof settableClock>;
let running: TestConsole;
let author: Person;

beforeEach(async () => {
  clock = settableClock();
  running = await startConsole({ clock });
  author = await running.person("planner", "approver");
});

const submitAgent = async (name: string) =>
  submitWith(author, await planWith(author, "add_agent", { agent_name: name }));
const changeApprovals = async (approver: Person, changes: object) => {
  const planned = await planWith(author, "edit_policies", { policy_id: "approvals", changes });
  const { approval_id } = await submitWith(author, planned);
  return decideWith(approver, approval_id, "approve");
};

describe("self-approval", () => {
  it("lets a lone approver approve, until a second one is active", async () => {
    const first = await submitAgent("one");
    const [waiting] = (await author.client.call("listApprovals", { query: { status: "pending" } })).items;
    expect(waiting).toMatchObject({ can_decide: true, blocked_reason: null });
    expect(await decideWith(author, first.approval_id, "approve")).toMatchObject({ outcome: "applied" });

    const second = await running.person("approver");
    const other = await submitAgent("two");
    const problem = await problemOf(decideWith(author, other.approval_id, "approve"));
    expect(problem).toMatchObject({ status: 403, code: "self_approval" });
    expect(problem.detail).toContain("policies/approvals.yaml, rule default");
    const [blocked] = (await author.client.call("listApprovals", { query: { status: "pending" } })).items;
    expect(blocked).toMatchObject({ can_decide: false });

    await running.users.disable({ id: null, name: "test", email: null, roles: [] }, { id: second.id });
    expect(await decideWith(author, other.approval_id, "approve")).toMatchObject({ outcome: "applied" });
  });

  it("lets authors withdraw by rejecting", async () => {
    await running.person("approver");
    const submitted = await submitAgent("withdrawn");
    expect(await decideWith(author, submitted.approval_id, "reject")).toMatchObject({ outcome: "rejected" });
  });

  it("`never` holds also for the lone approver", async () => {
    await changeApprovals(author, { default: { self_approval: "never" } });
    const submitted = await submitAgent("never");
    const problem = await problemOf(decideWith(author, submitted.approval_id, "approve"));
    expect(problem.detail).toContain("never");
  });
});

describe("quorum and rules by path", () => {
  it("waits for every vote, counts each person once, and lands with the last", async () => {
    await changeApprovals(author, { default: { required: 2 } });
    const [a, b] = [await running.person("approver"), await running.person("approver")];
    const submitted = await submitAgent("two-votes");
    expect(submitted.approvals).toMatchObject({ required: 2, given: 0 });
    const once = await decideWith(a, submitted.approval_id, "approve");
    expect(once).toMatchObject({ status: "hitl_required", approvals: { given: 1 } });
    expect(once.message).toContain("1 more approval");
    expect(await problemOf(decideWith(a, submitted.approval_id, "approve"))).toMatchObject({
      code: "already_decided",
    });
    expect(await decideWith(b, submitted.approval_id, "approve")).toMatchObject({ outcome: "applied" });
  });

  it("any rejection wins", async () => {
    await changeApprovals(author, { default: { required: 2 } });
    const [a, b] = [await running.person("approver"), await running.person("approver")];
    const submitted = await submitAgent("split");
    await decideWith(a, submitted.approval_id, "approve");
    expect(await decideWith(b, submitted.approval_id, "reject", "no")).toMatchObject({ outcome: "rejected" });
    expect(branches(running.git)).toEqual(["main"]);
  });

  it("asks the roles that the rule of the path names", async () => {
    const rules = [{ name: "policies by admins", paths: ["policies/**"], required: 1, roles: ["admin"] }];
    await changeApprovals(author, { rules });
    const approver = await running.person("approver");
    const both = await running.person("approver", "admin");
    const changes = { limits: { monthly_usd: 900 } };
    const submitted = await submitWith(
      author,
      await planWith(author, "edit_policies", { policy_id: "spend-guard", changes }),
    );
    expect(submitted.approvals.requirements).toMatchObject([
      { rule: "policies by admins", roles: ["admin"] },
    ]);
    const refused = await problemOf(decideWith(approver, submitted.approval_id, "approve"));
    expect(refused).toMatchObject({ status: 403, code: "policy_denied" });
    expect(refused.detail).toContain("policies by admins");
    expect(await decideWith(both, submitted.approval_id, "approve")).toMatchObject({ outcome: "applied" });
    const agent = await submitAgent("elsewhere");
    expect(await decideWith(approver, agent.approval_id, "approve")).toMatchObject({ outcome: "applied" });
  });

  it("freezes the thresholds when asked, and refuses when the rules have changed since", async () => {
    const submitted = await submitAgent("frozen");
    await changeApprovals(author, { default: { required: 3 } });
    const problem = await problemOf(decideWith(author, submitted.approval_id, "approve"));
    expect(problem).toMatchObject({ status: 409, code: "stale_plan" });
    const change = await author.client.call("getChange", { params: { plan_id: submitted.plan_id } });
    expect(change).toMatchObject({ status: "failed", outcome: "stale" });
    expect(change.approvals.required).toBe(1);
    expect(branches(running.git)).toEqual(["main"]);
  });
});

describe("time", () => {
  it("refuses a decision after the expiry, and ends the change", async () => {
    const submitted = await submitAgent("late");
    clock.advance(72 * hour);
    const problem = await problemOf(decideWith(author, submitted.approval_id, "approve"));
    expect(problem).toMatchObject({ status: 409, code: "stale_plan" });
    expect(problem.detail).toContain("expired");
    expect(branches(running.git)).toEqual(["main"]);
  });

  it("expires by itself what nobody decides", async () => {
    const submitted = await submitAgent("forgotten");
    clock.advance(72 * hour);
    await running.changes.reconcile({ all: false });
    const change = await author.client.call("getChange", { params: { plan_id: submitted.plan_id } });
    expect(change).toMatchObject({ status: "failed", outcome: "expired" });
    expect(branches(running.git)).toEqual(["main"]);
    const { items } = await author.client.call("listApprovals", { query: { status: "pending" } });
    expect(items).toEqual([]);
  });
});

describe("staleness", () => {
  const policyPlan = (monthly_usd: number) =>
    planWith(author, "edit_policies", { policy_id: "spend-guard", changes: { limits: { monthly_usd } } });

  it("refuses to submit, and to approve, when the base changed the same files", async () => {
    const [one, two, three] = [await policyPlan(300), await policyPlan(400), await policyPlan(500)];
    const [first, second] = [await submitWith(author, one), await submitWith(author, two)];
    await decideWith(author, first.approval_id, "approve");
    const refused = await problemOf(decideWith(author, second.approval_id, "approve"));
    expect(refused).toMatchObject({ status: 409, code: "stale_plan" });
    expect(refused.detail).toContain("policies/spend-guard.yaml");
    expect(await problemOf(submitWith(author, three))).toMatchObject({ status: 409, code: "stale_plan" });
    expect(branches(running.git)).toEqual(["main"]);
  });

  it("merges cleanly when the base moved elsewhere, keeping the approved commit", async () => {
    const [agent, policy] = [
      await planWith(author, "add_agent", { agent_name: "beside" }),
      await policyPlan(700),
    ];
    const [first, second] = [await submitWith(author, agent), await submitWith(author, policy)];
    await decideWith(author, first.approval_id, "approve");
    expect(await decideWith(author, second.approval_id, "approve")).toMatchObject({ outcome: "applied" });
    expect(git(running.git, "rev-parse", "main^1")).toBe(first.commit_sha);
    expect(git(running.git, "rev-parse", "main^2")).toBe(second.commit_sha);
    expect(git(running.git, "show", "main:policies/spend-guard.yaml")).toContain("monthly_usd: 700");
    expect(git(running.git, "show", "main:agents/beside/agent.yaml")).toContain("name: beside");

    const undone = await author.client.call("rollback", { body: { plan_id: policy.plan.id } });
    expect(undone).toMatchObject({ outcome: "rolled_back" });
    expect(git(running.git, "show", "main:policies/spend-guard.yaml")).toContain("monthly_usd: 200");
    expect(git(running.git, "show", "main:agents/beside/agent.yaml")).toContain("name: beside");
  });

  it("a request that was rejected can be planned and submitted again", async () => {
    const planned = await policyPlan(800);
    const first = await submitWith(author, planned);
    await decideWith(author, first.approval_id, "reject");
    expect(await problemOf(submitWith(author, planned))).toMatchObject({ code: "already_decided" });
    const again = await policyPlan(800);
    expect(again.plan.id).not.toBe(planned.plan.id);
    expect(await submitWith(author, again)).toMatchObject({ status: "hitl_required" });
  });
});

describe("rollback", () => {
  it("removes the branch of an unmerged change, and its approval", async () => {
    const submitted = await submitAgent("unmerged");
    const undone = await author.client.call("rollback", {
      body: { plan_id: submitted.plan_id, branch: submitted.branch, reason: "changed my mind" },
    });
    expect(undone).toMatchObject({ status: "failed", outcome: "rolled_back" });
    expect(branches(running.git)).toEqual(["main"]);
    expect(await problemOf(decideWith(author, submitted.approval_id, "approve"))).toMatchObject({
      code: "already_decided",
    });
    const rows = await author.client.call("listChanges", { query: { outcome: "rolled_back" } });
    expect(rows.items).toHaveLength(2);
  });

  it("refuses where later changes touch the same lines, changes nothing, and works afterwards", async () => {
    const edit = async (monthly_usd: number) => {
      const payload = { policy_id: "spend-guard", changes: { limits: { monthly_usd } } };
      const planned = await planWith(author, "edit_policies", payload);
      const submitted = await submitWith(author, planned);
      await decideWith(author, submitted.approval_id, "approve");
      return planned.plan.id;
    };
    const [first, second] = [await edit(300), await edit(400)];
    const head = git(running.git, "rev-parse", "main");
    const conflict = await problemOf(author.client.call("rollback", { body: { plan_id: first } }));
    expect(conflict).toMatchObject({ status: 409, code: "revert_conflict" });
    expect(git(running.git, "rev-parse", "main")).toBe(head);
    await author.client.call("rollback", { body: { plan_id: second } });
    expect(await author.client.call("rollback", { body: { plan_id: first } })).toMatchObject({
      outcome: "rolled_back",
    });
    expect(git(running.git, "show", "main:policies/spend-guard.yaml")).toContain("monthly_usd: 200");
  });

  it("refuses another branch than the plan's, and an unknown plan", async () => {
    const submitted = await submitAgent("named");
    const wrong = author.client.call("rollback", { body: { plan_id: submitted.plan_id, branch: "main" } });
    expect(await problemOf(wrong)).toMatchObject({ status: 400, errors: [{ path: "branch" }] });
    const unknown = author.client.call("rollback", { body: { plan_id: "nope" } });
    expect(await problemOf(unknown)).toMatchObject({ status: 404 });
  });

  it("has nothing to do for a rejected change, and says so", async () => {
    const submitted = await submitAgent("gone");
    await decideWith(author, submitted.approval_id, "reject");
    const answer = await author.client.call("rollback", { body: { plan_id: submitted.plan_id } });
    expect(answer).toMatchObject({ outcome: "rejected" });
    expect(answer.message).toContain("Nothing to roll back");
  });
});

describe("mode direct", () => {
  it("is refused unless policy names the path, and lands at once where it does", async () => {
    const payload = { artifact_type: "adr", target_path: "docs/adr/0001-cache.md" };
    const denied = problemOf(
      submitWith(author, await planWith(author, "generate_artifact", payload), { mode: "direct" }),
    );
    expect(await denied).toMatchObject({ status: 403, code: "policy_denied" });
    await changeApprovals(author, { direct: { paths: ["docs/**"] } });
    const applied = await submitWith(author, await planWith(author, "generate_artifact", payload), {
      mode: "direct",
    });
    expect(applied).toMatchObject({
      status: "completed",
      outcome: "applied",
      mode: "direct",
      approval_id: null,
    });
    expect(branches(running.git)).toEqual(["main"]);
    const agent = submitWith(author, await planWith(author, "add_agent", { agent_name: "x" }), {
      mode: "direct",
    });
    expect(await problemOf(agent)).toMatchObject({ code: "policy_denied" });
  });
});
