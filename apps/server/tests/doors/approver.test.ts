import { stringify } from "yaml";
import { beforeAll, describe, expect, it } from "vitest";
import { system } from "../../src/domain/actor.ts";
import { settableClock } from "../support/clock.ts";
import { pushFiles } from "../support/config.ts";
import {
  decideWith,
  type Person,
  planWith,
  problemOf,
  startConsole,
  submitWith,
  type TestConsole,
} from "../support/console.ts";
import { eventually } from "../support/eventually.ts";
import { git } from "../support/git.ts";

/** What one of several who decide can and cannot do alone, and what authors can. */

const approvals = (required: number, rules: object[] = []) => ({
  "policies/approvals.yaml": stringify({
    id: "approvals",
    kind: "approvals",
    title: "Approvals",
    default: { required, roles: ["approver"], self_approval: "never", expires_after: "72h" },
    rules,
    direct: { paths: [] },
  }),
});

async function start(required = 2) {
  const clock = settableClock();
  const running = await startConsole({ clock });
  pushFiles(running.git, approvals(required));
  const [author, one, two, three] = [
    await running.person("planner"),
    await running.person("approver"),
    await running.person("approver"),
    await running.person("approver"),
  ];
  return { running, clock, author, one, two, three };
}

async function land(author: Person, voters: readonly Person[], name = "catalog"): Promise<string> {
  const { approval_id, plan_id } = await submitWith(
    author,
    await planWith(author, "add_agent", { agent_name: name }),
  );
  for (const voter of voters) await decideWith(voter, approval_id, "approve");
  return plan_id;
}

const rollback = ({ client }: Person, plan_id: string, reason = "it broke") =>
  client.call("rollback", { body: { plan_id, reason } });
const isLive = (running: TestConsole): boolean =>
  git(running.git, "ls-tree", "-r", "--name-only", "main").includes("agents/catalog/");

describe("a rollback where two have to agree", () => {
  it("waits for the second, as the change itself did, and is asked for in the inbox", async () => {
    const { running, author, one, two } = await start();
    const planId = await land(author, [one, two]);
    expect(isLive(running)).toBe(true);
    const { message } = await one.client.call("previewRollback", { params: { plan_id: planId } });
    expect(message).toContain("It waits for 2 votes; yours is the first.");
    const asked = await rollback(one, planId);
    expect(asked).toMatchObject({
      status: "hitl_required",
      hitl_required: true,
      approvals: { required: 2, given: 1 },
    });
    expect(isLive(running)).toBe(true);
    expect(await rollback(one, planId)).toMatchObject({ status: "hitl_required", approvals: { given: 1 } });
    expect((await problemOf(decideWith(one, asked.approval_id, "approve"))).code).toBe("already_decided");
    const { items } = await two.client.call("listApprovals", { query: { status: "pending" } });
    expect(items).toMatchObject([
      { id: asked.approval_id, kind: "rollback", requested_by: one.name, can_decide: true },
    ]);
    const done = await decideWith(two, asked.approval_id, "approve");
    expect(done).toMatchObject({ outcome: "rolled_back" });
    expect(isLive(running)).toBe(false);
  });

  it("stays where the second says no, and may be asked for again", async () => {
    const { running, author, one, two, three } = await start();
    const planId = await land(author, [one, two]);
    const asked = await rollback(one, planId);
    const refused = await decideWith(two, asked.approval_id, "reject", "it is needed");
    expect(refused).toMatchObject({
      status: "failed",
      outcome: "rejected",
      message: expect.stringMatching(/the change stays/) as string,
    });
    expect(isLive(running)).toBe(true);
    expect(await one.client.call("getChange", { params: { plan_id: planId } })).toMatchObject({
      status: "completed",
      outcome: "applied",
    });
    const again = await rollback(one, planId, "it really broke");
    await decideWith(three, again.approval_id, "approve");
    expect(isLive(running)).toBe(false);
  });

  it("counts the votes of those who may decide now, and lands once they all do again", async () => {
    const { running, author, one, two } = await start();
    await running.features.changes.workers.start();
    const planId = await land(author, [one, two]);
    const asked = await rollback(one, planId);
    await running.users.revoke(system, { id: one.id }, "approver");
    await decideWith(two, asked.approval_id, "approve");
    expect(await author.client.call("getChange", { params: { plan_id: planId } })).toMatchObject({
      status: "hitl_required",
      message: expect.stringMatching(/Waiting for 1 more approval$/) as string,
      approvals: { required: 2, given: 1, requirements: [{ given: 1 }] },
    });
    expect(isLive(running)).toBe(true);
    await running.users.grant(system, { id: one.id }, "approver");
    await eventually(
      () => author.client.call("getChange", { params: { plan_id: planId } }),
      ({ outcome }) => outcome === "rolled_back",
    );
    expect(isLive(running)).toBe(false);
    await running.features.changes.workers.stop();
  });

  it("is withdrawn by who asked for it, and asked for by nobody else beside it", async () => {
    const { running, author, one, two, three } = await start();
    const planId = await land(author, [one, two]);
    const asked = await rollback(one, planId);
    const second = await problemOf(rollback(two, planId));
    expect(second).toMatchObject({
      code: "already_decided",
      detail: expect.stringMatching(/approve that instead \(ciclo approve /) as string,
    });
    const { items } = await one.client.call("listApprovals", { query: { status: "pending" } });
    expect(items).toMatchObject([{ id: asked.approval_id, can_decide: false, can_reject: true }]);
    const withdrawn = await decideWith(one, asked.approval_id, "reject", "it works after all");
    expect(withdrawn).toMatchObject({ status: "failed", outcome: "rejected" });
    expect(isLive(running)).toBe(true);
    expect((await rollback(three, planId)).status).toBe("hitl_required");
  });

  it("expires with the change left as it is", async () => {
    const { running, clock, author, one, two } = await start();
    const planId = await land(author, [one, two]);
    await rollback(one, planId);
    clock.advance(73 * 3_600_000);
    await running.changes.reconcile({ all: true });
    expect(isLive(running)).toBe(true);
    expect((await rollback(two, planId)).status).toBe("hitl_required");
  });

  it("goes by the rules of its paths that hold now, not by those of then", async () => {
    const { running, author, one, two } = await start(1);
    const planId = await land(author, [one]);
    pushFiles(
      running.git,
      approvals(1, [
        {
          name: "agents",
          paths: ["agents/**"],
          required: 2,
          roles: ["approver"],
          self_approval: "never",
          expires_after: "24h",
        },
      ]),
    );
    const asked = await rollback(one, planId);
    expect(asked).toMatchObject({
      status: "hitl_required",
      approvals: { requirements: [{ rule: "agents", required: 2, given: 1 }] },
    });
    await decideWith(two, asked.approval_id, "approve");
    expect(isLive(running)).toBe(false);
  });

  it("lands at once where one vote is enough, also by who wrote the change", async () => {
    const { running, one } = await start(1);
    const both = await running.person("planner", "approver");
    const planId = await land(both, [one]);
    expect(await rollback(both, planId)).toMatchObject({ outcome: "rolled_back" });
    expect(isLive(running)).toBe(false);
  });
});

describe("whoever rejects", () => {
  it.each([undefined, "", "  ", "\u200B", " \u2060\u00AD\u3164 ", "…"])(
    "says why: not %j",
    async (approval_reason) => {
      const { author, one } = await start();
      const { approval_id } = await submitWith(
        author,
        await planWith(author, "add_agent", { agent_name: "catalog" }),
      );
      const body = {
        approval_id: approval_id ?? "",
        approval_decision: "reject" as const,
        ...(approval_reason === undefined ? {} : { approval_reason }),
      };
      expect(await problemOf(one.client.call("apply", { body }))).toMatchObject({
        status: 400,
        errors: [{ path: "approval_reason" }],
      });
      expect(await decideWith(one, approval_id, "reject", "two agents do this already")).toMatchObject({
        outcome: "rejected",
      });
    },
  );
});

describe("an author", () => {
  it("withdraws their own change that has not landed, and no other", async () => {
    const { running, author, one, two } = await start();
    const other = await running.person("planner");
    const submitted = await submitWith(
      author,
      await planWith(author, "add_agent", { agent_name: "catalog" }),
    );
    expect(await problemOf(rollback(other, submitted.plan_id))).toMatchObject({
      status: 403,
      code: "insufficient_permission",
    });
    expect(await rollback(author, submitted.plan_id, "not yet")).toMatchObject({
      status: "failed",
      outcome: "rolled_back",
    });
    expect(git(running.git, "branch", "--list", submitted.branch)).toBe("");
    const landed = await land(author, [one, two], "landed");
    expect(await problemOf(rollback(author, landed))).toMatchObject({ status: 403 });
  });

  it("is who is signed in, whatever names come with it", async () => {
    const { running, author, one } = await start(1);
    const planned = await planWith(author, "add_agent", { agent_name: "catalog" });
    const claimed = { actor: one.name, actor_email: one.email };
    const submitted = await submitWith(author, planned, claimed);
    expect(submitted).toMatchObject({
      requested_by: author.name,
      on_behalf_of: { name: one.name, email: one.email },
    });
    const commit = git(running.git, "log", "-1", "--format=%an <%ae>%n%B", submitted.commit_sha ?? "");
    expect(commit).toContain(`${author.name} <${author.email}>`);
    expect(commit).toContain(`Requested-by: ${author.name}\nOn-behalf-of: ${one.name} <${one.email}>`);
    const { items } = await one.client.call("listApprovals", { query: { status: "pending" } });
    expect(items[0]).toMatchObject({
      requested_by: author.name,
      on_behalf_of: claimed === null ? null : { name: one.name },
      can_decide: true,
    });
    expect(await decideWith(one, submitted.approval_id, "approve")).toMatchObject({ outcome: "applied" });
  });

  it("is who made the plan as well, where a colleague submits it", async () => {
    const { running } = await start(1);
    const [both, colleague] = [await running.person("planner", "approver"), await running.person("planner")];
    const planned = await planWith(both, "add_agent", { agent_name: "catalog" });
    const { approval_id } = await submitWith(colleague, planned);
    expect(await problemOf(decideWith(both, approval_id, "approve"))).toMatchObject({
      code: "self_approval",
    });
    const { items } = await both.client.call("listApprovals", { query: { status: "pending" } });
    expect(items).toMatchObject([{ can_decide: false }]);
    expect(isLive(running)).toBe(false);
  });

  it("is told the truth where the two authors are the only approvers: each may, as nobody else can", async () => {
    const { running } = await start(1);
    const solo = { ...approvals(1) };
    solo["policies/approvals.yaml"] = solo["policies/approvals.yaml"].replace("never", "only_approver");
    pushFiles(running.git, solo);
    const authors = [
      await running.person("planner", "approver"),
      await running.person("planner", "approver"),
    ];
    const [maker, submitter] = authors as [Person, Person];
    const planned = await planWith(maker, "add_agent", { agent_name: "catalog" });
    const { approval_id } = await submitWith(submitter, planned);
    // Three approvers beside them are there as well.
    const refused = await problemOf(decideWith(maker, approval_id, "approve"));
    expect(refused.detail).toMatch(/another approver is there/);
    for (const { id } of await running.users.list())
      if (!authors.some((author) => author.id === id)) await running.users.disable(system, { id });
    expect(await decideWith(maker, approval_id, "approve")).toMatchObject({ outcome: "applied" });
  });

  it("gets no vote by somebody else's name, nor writes lines of their own into the commit", async () => {
    const { running } = await start(1);
    const both = await running.person("planner", "approver");
    const planned = await planWith(both, "add_agent", { agent_name: "catalog" });
    const submitted = await submitWith(both, planned, {
      actor: "Somebody else",
      actor_email: "else@example.com",
    });
    expect(await problemOf(decideWith(both, submitted.approval_id, "approve"))).toMatchObject({
      code: "self_approval",
    });
    const second = await planWith(both, "add_agent", { agent_name: "second" });
    const forged = await problemOf(
      submitWith(both, second, { actor: "A\nSigned-off-by: root", actor_email: "a@example.com" }),
    );
    expect(forged).toMatchObject({ code: "invalid_payload", errors: [{ path: "actor" }] });
  });
});

describe("votes that nobody could give", () => {
  it("show when the rule is planned, on the waiting change and in health", async () => {
    const { author, one, running } = await start(2);
    const rules = [
      { name: "policies", paths: ["policies/**"], required: 4, roles: ["approver"], self_approval: "never" },
      { name: "agents", paths: ["agents/**"], required: 1, roles: ["planner"], self_approval: "never" },
    ];
    const { plan } = await planWith(author, "edit_policies", { policy_id: "approvals", changes: { rules } });
    const titles = plan.risks.filter(({ impact }) => impact === "high").map(({ title }) => title);
    expect(titles).toContainEqual(
      expect.stringContaining(
        "rule policies: asks for 4 votes of approver, and only 3 who are active can give one",
      ),
    );
    expect(titles).toContainEqual(
      expect.stringContaining(
        "rule agents: asks for 1 vote of planner, and nobody who is active can give one. Nobody decides by planner alone: approver is needed too",
      ),
    );
    pushFiles(running.git, approvals(2, rules));
    const { plan_id, message } = await submitWith(
      author,
      await planWith(author, "add_agent", { agent_name: "stuck" }),
    );
    expect(message).toContain("rule agents: asks for 1 vote of planner");
    expect((await author.client.call("getChange", { params: { plan_id } })).message).toBe(message);
    const changes = async () =>
      (await one.client.call("getHealth")).checks.find(({ id }) => id === "changes");
    expect(await changes()).toMatchObject({
      status: "degraded",
      detail: expect.stringContaining(`${plan_id}: policies/approvals.yaml, rule agents`) as string,
    });
    // Somebody who holds both roles can.
    await running.person("planner", "approver");
    expect(await changes()).toMatchObject({ status: "ok" });
  });

  it("count without the author where another could vote", async () => {
    const running = await startConsole();
    const author = await running.person("planner", "approver");
    await running.person("approver");
    pushFiles(running.git, {
      "policies/approvals.yaml": stringify({
        id: "approvals",
        kind: "approvals",
        title: "A",
        default: { required: 2, self_approval: "only_approver" },
      }),
    });
    const { message } = await submitWith(author, await planWith(author, "add_agent", { agent_name: "a" }));
    expect(message).toContain("asks for 2 votes of approver, and only 1 who is active can give one");
  });
});

describe("a plan that takes a guard away", () => {
  const rule = {
    name: "pol",
    paths: ["policies/**"],
    required: 2,
    roles: ["approver"],
    self_approval: "never",
  };
  const deny = { roles: ["viewer"], servers: ["*"], tools: ["delete*"], effect: "deny" };
  const allow = { roles: ["viewer"], servers: ["*"], tools: ["*"], effect: "allow", audit: true };
  const live = {
    ...approvals(1, [rule]),
    "policies/budget.yaml": stringify({
      id: "budget",
      kind: "budget",
      title: "Budget",
      limits: { monthly_usd: 100, calls_per_minute: 60 },
      alert_at: [0.8],
      on_exceeded: "block",
    }),
    "policies/network.yaml": stringify({
      id: "network",
      kind: "network",
      title: "Network",
      allow_hosts: ["*.example.com"],
      allow_private: false,
      require_tls: true,
    }),
    "policies/access.yaml": stringify({
      id: "access",
      kind: "access",
      title: "Access",
      default: "deny",
      rules: [deny, allow],
    }),
    "policies/cycles.yaml": stringify({
      id: "cycles",
      kind: "cycles",
      title: "Cycles",
      repositories: ["/srv/git/*"],
      approvals: { required: 2 },
      executor: { preset: "claude-code", permissions: "deny" },
    }),
  };
  const rules = (change: object) => ["approvals", { rules: [{ ...rule, ...change }] }] as const;
  const two = "2 votes of approver (self_approval: never)";
  const one = "1 vote of approver (self_approval: never)";
  let author: Person;
  beforeAll(async () => {
    const running = await startConsole();
    pushFiles(running.git, live);
    for (let count = 0; count < 3; count += 1) await running.person("approver");
    author = await running.person("planner");
  });

  it.each<[string, readonly [string, Record<string, unknown>], string[]]>([
    [
      "by a rule without its paths",
      rules({ paths: ["policies/nothing-here.yaml"] }),
      [
        `${two} → ${one}`,
        "medium: Approval rule pol binds no file that is there: policies/nothing-here.yaml",
      ],
    ],
    [
      "by a rule in another case",
      rules({ paths: ["POLICIES/**"] }),
      [`${two} → ${one}`, "medium: Approval rule pol binds no file that is there: POLICIES/**"],
    ],
    [
      "by a rule for other endings",
      rules({ paths: ["policies/*.yml"] }),
      [`${two} → ${one}`, "medium: Approval rule pol binds no file that is there: policies/*.yml"],
    ],
    ["by a rule for one file of several", rules({ paths: ["policies/approvals.yaml"] }), [`${two} → ${one}`]],
    ["by no rules", ["approvals", { rules: [] }], [`${two} → ${one}`]],
    ["by fewer votes", rules({ required: 1 }), [`${two} → ${one}`]],
    [
      "by more roles",
      rules({ roles: ["approver", "planner"] }),
      [`${two} → 2 votes of approver/planner (self_approval: never)`],
    ],
    [
      "by votes of authors",
      rules({ self_approval: "always" }),
      [`${two} → 2 votes of approver (self_approval: always)`],
    ],
    [
      "by what is left out",
      rules({ self_approval: undefined }),
      [`${two} → 2 votes of approver (self_approval: only_approver)`],
    ],
    [
      "by another default",
      ["approvals", { default: { roles: ["approver", "viewer"] } }],
      [`${one} → 1 vote of approver/viewer (self_approval: never)`],
    ],
    [
      "by no limit",
      ["budget", { limits: { monthly_usd: null } }],
      ["high: budget: limits.monthly_usd no longer holds (was 100)"],
    ],
    ["by a warning", ["budget", { on_exceeded: "warn" }], ["high: budget: on_exceeded block → warn"]],
    [
      "by another scope",
      ["budget", { scope: { servers: ["hub"] } }],
      ["high: budget: no longer holds for servers all but hub"],
    ],
    [
      "by tools that nobody approved",
      ["access", { new_tools: "allow" }],
      ["high: Allows more: tools that nobody approved"],
    ],
    ["by no denial", ["access", { rules: [allow] }], ["high: No longer denied: viewer → *: delete*"]],
    [
      "by no record",
      ["access", { rules: [deny, { ...allow, audit: false }] }],
      ["high: No longer recorded: viewer → *: *"],
    ],
    [
      "by another order",
      ["access", { rules: [allow, deny] }],
      ["high: No longer denied: viewer → *: delete*"],
    ],
    [
      "by a rule in front that allows one server all of it",
      ["access", { rules: [{ ...allow, servers: ["docs"], audit: false }, deny, allow] }],
      [
        "high: Allows more: viewer → docs: *",
        "high: No longer denied: viewer → *: delete*",
        "high: No longer recorded: viewer → *: *",
      ],
    ],
    [
      "by longer life of requests",
      ["approvals", { default: { expires_after: "8760h" } }],
      ["medium: Requests wait longer for votes: 72h → 8760h (default)"],
    ],
    ["by no alerts", ["budget", { alert_at: [] }], ["medium: budget: alert_at 0.8 no longer alerts"]],
    [
      "by cycles in more repositories",
      ["cycles", { repositories: ["/srv/git/*", "**"], setup_hosts: ["registry.npmjs.org"] }],
      ["high: Cycles may change: **", "high: Set-ups of cycles may reach: registry.npmjs.org"],
    ],
    [
      "by cycles without checkpoints",
      ["cycles", { checkpoints: ["merge"] }],
      ["high: Cycles go past without a person: analyze, plan"],
    ],
    [
      "by cycles with fewer votes",
      ["cycles", { approvals: { required: 1, self_approval: "always" } }],
      ["2 × approver (self_approval: never) → 1 × approver (self_approval: always)"],
    ],
    [
      "by another agent of cycles",
      ["cycles", { executor: { command: "sh", args: ["-c", "agent"], permissions: "allow" } }],
      [
        "high: Cycles start another agent: sh -c agent; was: claude-code",
        "medium: The agent of cycles need not ask any more: permissions deny → allow",
      ],
    ],
    [
      "by code at the forge before approval",
      ["cycles", { pull_requests: "for_review" }],
      ["high: Code of agents reaches the forge before anybody approved it, and its CI runs it"],
    ],
  ])("says so: %s", async (_, [policy_id, changes], says) => {
    const { plan } = await planWith(author, "edit_policies", { policy_id, changes });
    const told = plan.risks.map(({ impact, title }) => `${impact}: ${title}`);
    expect(told.map((each) => each.replace(/^high: Weaker approval of [^:]+: /, "")).toSorted()).toEqual(
      says.toSorted(),
    );
    expect(plan.risks.some(({ impact }) => impact !== "low")).toBe(true);
  });

  it.each<[string, string, Record<string, unknown>]>([
    ["more votes", "approvals", { rules: [{ ...rule, required: 3 }] }],
    ["a rule more", "approvals", { rules: [rule, { ...rule, name: "agents", paths: ["agents/**"] }] }],
    ["another name", "approvals", { rules: [{ ...rule, name: "policies" }] }],
    ["another title", "access", { title: "Who may use what" }],
    ["a denial of more tools", "access", { rules: [{ ...deny, tools: ["delete*", "drop_*"] }, allow] }],
    ["a denial to more roles", "access", { rules: [{ ...deny, roles: ["viewer", "planner"] }, allow] }],
    ["a denial on record", "access", { rules: [{ ...deny, audit: true }, allow] }],
    ["fewer tools", "access", { rules: [deny, { ...allow, tools: ["read*"] }] }],
    ["the same in two rules", "access", { rules: [deny, { ...allow, servers: ["docs"] }, allow] }],
    ["no pull requests of cycles", "cycles", { pull_requests: "never" }],
    ["hosts of those before", "network", { allow_hosts: ["docs.example.com"] }],
  ])("is none where it only asks for more: %s", async (_, policy_id, changes) => {
    const { plan } = await planWith(author, "edit_policies", { policy_id, changes });
    expect(plan.risks).toEqual([]);
  });
});
