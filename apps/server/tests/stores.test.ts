import { beforeAll, describe, expect, it } from "vitest";
import { countingClock } from "./support/clock.ts";
import {
  decideWith,
  type Person,
  planWith,
  problemOf,
  startConsole,
  submitWith,
  type TestConsole,
} from "./support/console.ts";
import { stores } from "./support/databases.ts";
import { branches, git } from "./support/git.ts";

/** One suite for every store: the journey of a change, with the rows and commits that it leaves. */
describe.each(stores)("on %s", (_, openStore) => {
  let running: TestConsole;
  let author: Person;
  let approver: Person;

  beforeAll(async () => {
    running = await startConsole({ database: await openStore(), clock: countingClock() });
    author = await running.person("planner");
    approver = await running.person("approver");
  });

  const addAgent = (name: string) =>
    planWith(author, "add_agent", { agent_name: name, capabilities: ["chat"] });

  it("plans, submits, approves, lands exactly the approved commit, and takes it back", async () => {
    const planned = await addAgent("catalog");
    const submitted = await submitWith(author, planned);
    expect(submitted).toMatchObject({
      status: "hitl_required",
      hitl_required: true,
      branch: `ciclo/${planned.plan.id}`,
      base_branch: "main",
      approvals: { required: 1, given: 0 },
    });
    expect(git(running.git, "rev-parse", submitted.branch)).toBe(submitted.commit_sha);
    const { items } = await author.client.call("listAudit", { query: { action: "change.submitted" } });
    expect(items[0]).toMatchObject({
      actor_name: author.name,
      actor_roles: ["planner"],
      plan_id: planned.plan.id,
    });
    expect(items[0]?.metadata.request_id).toMatch(/^[\w-]{36}$/);

    const applied = await decideWith(approver, submitted.approval_id, "approve", "as agreed");
    expect(applied).toMatchObject({ status: "completed", outcome: "applied" });
    expect(git(running.git, "rev-parse", "main")).toBe(submitted.commit_sha);
    expect(branches(running.git)).toEqual(["main"]);

    const undone = await approver.client.call("rollback", { body: { plan_id: planned.plan.id } });
    expect(undone).toMatchObject({ status: "failed", outcome: "rolled_back" });
    expect(git(running.git, "rev-parse", "main~1")).toBe(submitted.commit_sha);
    expect(git(running.git, "diff", "main~2", "main")).toBe("");

    const again = await approver.client.call("rollback", { body: { plan_id: planned.plan.id } });
    expect(again.record_id).toBe(undone.record_id);
    expect(again.message).toContain("already");
    const rows = await running.database.queries
      .selectFrom("change_plans")
      .select(["kind", "status", "outcome"])
      .where("plan_id", "=", planned.plan.id)
      .orderBy("kind")
      .execute();
    expect(rows).toEqual([
      { kind: "rollback", status: "failed", outcome: "rolled_back" },
      { kind: "submission", status: "completed", outcome: "applied" },
    ]);
  });

  it("removes the branch of a rejected change and keeps who said why", async () => {
    const submitted = await submitWith(author, await addAgent("rejected"));
    const rejected = await decideWith(approver, submitted.approval_id, "reject", "budget first");
    expect(rejected).toMatchObject({ status: "failed", outcome: "rejected" });
    expect(rejected.approvals.decisions).toMatchObject([
      { actor: approver.name, decision: "reject", reason: "budget first" },
    ]);
    expect(branches(running.git)).toEqual(["main"]);
  });

  it("takes one of 64 simultaneous decisions and refuses the others", async () => {
    const submitted = await submitWith(author, await addAgent("contested"));
    const decisions = await Promise.allSettled(
      Array.from({ length: 64 }, (_, index) =>
        decideWith(approver, submitted.approval_id, index % 2 === 0 ? "approve" : "reject"),
      ),
    );
    expect(decisions.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const refusals = await Promise.all(
      decisions
        .filter(({ status }) => status === "rejected")
        .map((each) => problemOf(Promise.reject((each as PromiseRejectedResult).reason))),
    );
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(["already_decided"]));
  });

  it("lets one of 8 simultaneous submissions of a plan through", async () => {
    const planned = await addAgent("twice");
    const submissions = await Promise.allSettled(
      Array.from({ length: 8 }, () => submitWith(author, planned)),
    );
    expect(submissions.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await problemOf(submitWith(author, planned))).toMatchObject({
      status: 409,
      code: "branch_exists",
    });
  });

  it("answers a repeated Idempotency-Key with the first answer", async () => {
    const planned = await addAgent("repeated");
    const body = { plan: planned.plan, patch: planned.patch, actor: author.name, actor_email: author.email };
    const headers = { "idempotency-key": "submit-repeated" };
    const answers = await Promise.all([1, 2, 3].map(() => author.client.call("apply", { body, headers })));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    const other = author.client.call("apply", { body: { ...body, actor: "Another" }, headers });
    expect(await problemOf(other)).toMatchObject({ status: 409, code: "idempotency_conflict" });
  });

  it("takes many submissions with keys at once", async () => {
    const planned = await Promise.all(Array.from({ length: 12 }, (_, index) => addAgent(`many-${index}`)));
    const submitted = await Promise.all(
      planned.map(({ plan, patch }) =>
        author.client.call("apply", {
          body: { plan, patch, actor: author.name, actor_email: author.email },
          headers: { "idempotency-key": plan.id },
        }),
      ),
    );
    expect(submitted.every(({ status }) => status === "hitl_required")).toBe(true);
    for (const { approval_id } of submitted) await decideWith(approver, approval_id, "reject");
  });

  it("answers everybody when one plan is submitted at once with and without keys", async () => {
    const { plan, patch } = await addAgent("crowded");
    const body = { plan, patch, actor: author.name, actor_email: author.email };
    const submissions = await Promise.allSettled(
      Array.from({ length: 24 }, (_, index) =>
        author.client.call("apply", {
          body,
          ...(index % 2 === 0 ? {} : { headers: { "idempotency-key": `crowd-${index}` } }),
        }),
      ),
    );
    const submitted = submissions.find((each) => each.status === "fulfilled");
    expect(submissions.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await decideWith(approver, submitted?.value.approval_id ?? "", "reject");
  });

  it("never loses its last admin to two admins at once", async () => {
    const [one, two] = [await running.person("admin"), await running.person("admin")];
    const resign = (person: Person) =>
      person.client.call("setUserRoles", { params: { id: person.id }, body: { roles: [] } });
    const outcomes = await Promise.allSettled([resign(one), resign(two)]);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it.each([
    ["/changes?actor=%00", "GET", undefined],
    ["/changes/a%00b", "GET", undefined],
    ["/config/chat?threadId=%00", "GET", undefined],
    [`/audit?cursor=${Buffer.from('["1e300"]').toString("base64url")}`, "GET", undefined],
    ["/config/chat", "POST", JSON.stringify({ message: "a\0b" })],
    ["/config/rollback", "POST", JSON.stringify({ plan_id: "a\0b" })],
    [
      "/config/chat",
      "POST",
      `{"message":"x","intent":"add_agent","payload":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`,
    ],
    ["/config/plan", "POST", `{"intent":"add_agent","payload":{"a":${"[".repeat(1500)}${"]".repeat(1500)}}}`],
  ])("answers 400 to %s (%s)", async (path, method, body) => {
    const person = await running.person("planner", "approver");
    const response = await running.request(`/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${person.token}` },
      ...(body === undefined ? {} : { body }),
    });
    expect(response.status).toBe(400);
  });

  it("keeps its audit chain whole whatever a stranger puts into a path", async () => {
    for (const path of [
      `/users/${"%F0%9F%98%80".repeat(600)}/disable`,
      "/users/a%00b/disable",
      "/users/%ED%A0%80/disable",
    ]) {
      expect((await running.request(`/api/v1${path}`, { method: "POST" })).status).toBe(401);
    }
    expect(await running.audit.verify()).toMatchObject({ ok: true });
  });

  it("pages through changes without gaps or repeats", async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await author.client.call("listChanges", {
        query: { limit: 2, ...(cursor === undefined ? {} : { cursor }) },
      });
      seen.push(...page.items.map((item) => item.record_id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    const { items } = await author.client.call("listChanges", { query: { limit: 200 } });
    expect(seen).toEqual(items.map((item) => item.record_id));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(4);
  });

  it("keeps a whole audit chain, and finds what was altered, cut or signed away", async () => {
    const { queries } = running.database;
    const checkpoint = await approver.client.call("getCheckpoint");
    expect(await running.audit.verify()).toMatchObject({
      ok: true,
      first_broken: null,
      events: checkpoint.size,
    });

    await queries.updateTable("audit_events").set({ actor_name: "mallory" }).where("seq", "=", 5).execute();
    expect(await running.audit.verify()).toMatchObject({ ok: false, first_broken: { seq: 5 } });
    const { actor_name } = await queries
      .selectFrom("audit_events")
      .select("actor_name")
      .where("seq", "=", 4)
      .executeTakeFirstOrThrow();
    expect(actor_name).not.toBe("mallory");
  });
});
