import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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
import { type ForgeDouble, startForge, webhook } from "./support/forge-double.ts";
import { branches, git } from "./support/git.ts";
import { temporaryFolder } from "./support/temporary.ts";

/** Ways around an approval that were found by looking for them, each shut. */
let remote: string;
let checkout: string;
let running: TestConsole;
let author: Person;
let approver: Person;

const push = (files: Record<string, string>, mode = 0o644): void => {
  git(checkout, "pull", "--quiet");
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(checkout, path)), { recursive: true });
    writeFileSync(join(checkout, path), contents);
    chmodSync(join(checkout, path), mode);
  }
  git(checkout, "add", ".");
  git(checkout, "commit", "--quiet", "-m", "push");
  git(checkout, "push", "--quiet");
};
const approvals = (rest: string): string =>
  `id: approvals\nkind: approvals\ntitle: A\ndefault:\n  required: 1\n${rest}`;
const submitAgent = async (name: string) =>
  submitWith(author, await planWith(author, "add_agent", { agent_name: name }));
const changeOf = (plan_id: string) => author.client.call("getChange", { params: { plan_id } });

beforeEach(async () => {
  const folder = await temporaryFolder();
  remote = join(folder, "remote.git");
  checkout = join(folder, "checkout");
  const seed = await startConsole();
  git(seed.home, "clone", "--quiet", "--bare", seed.git, remote);
  git(folder, "clone", "--quiet", remote, checkout);
  running = await startConsole({ config: { configRepository: remote } });
  author = await running.person("planner");
  approver = await running.person("approver");
});

describe("the approvals policy", () => {
  it.each([
    ["has an unknown field", approvals("colour: red\n"), 0o644],
    ["is a program", approvals(""), 0o755],
    ["is of another kind", "id: approvals\nkind: commands\ntitle: A\nallow: []\n", 0o644],
  ])("lets nothing through when it %s", async (_, policy, mode) => {
    const submitted = await submitAgent("before");
    push({ "policies/approvals.yaml": policy }, mode);
    expect(await problemOf(decideWith(approver, submitted.approval_id, "approve"))).toMatchObject({
      status: 409,
    });
    const plan = planWith(author, "add_agent", { agent_name: "after" });
    expect(await problemOf(plan)).toMatchObject({ status: 403, code: "policy_denied" });
  });

  it("cannot be planned away", async () => {
    const changes = { kind: "commands", allow: [], default: null, rules: null, direct: null };
    const problem = await problemOf(planWith(author, "edit_policies", { policy_id: "approvals", changes }));
    expect(problem).toMatchObject({ status: 422, code: "patch_rejected" });
  });

  it("is asked again when a change lands late", async () => {
    const submitted = await submitAgent("late");
    renameSync(remote, `${remote}.away`);
    expect(await decideWith(approver, submitted.approval_id, "approve")).toMatchObject({
      status: "in_progress",
    });
    renameSync(`${remote}.away`, remote);
    push({ "policies/approvals.yaml": approvals("").replace("required: 1", "required: 3") });
    await running.changes.reconcile({ all: true });
    expect(await changeOf(submitted.plan_id)).toMatchObject({ status: "failed", outcome: "stale" });
    expect(branches(remote)).toEqual(["main"]);
  });

  it("counts a vote only while its voter is an active approver", async () => {
    push({ "policies/approvals.yaml": approvals("").replace("required: 1", "required: 2") });
    const [second, third] = [await running.person("approver"), await running.person("approver")];
    const submitted = await submitAgent("two");
    await decideWith(approver, submitted.approval_id, "approve");
    await running.users.disable({ id: null, name: "test", email: null, roles: [] }, { id: approver.id });
    expect(await decideWith(second, submitted.approval_id, "approve")).toMatchObject({
      status: "hitl_required",
    });
    expect(await decideWith(third, submitted.approval_id, "approve")).toMatchObject({ outcome: "applied" });
  });
});

describe("what is written", () => {
  it("cannot delete a file by writing below it, nor hide from rules", async () => {
    push({ "docs/secure.md": "# Secure\n" });
    const below = { artifact_type: "adr", target_path: "docs/secure.md/x.md" };
    const problem = await problemOf(planWith(author, "generate_artifact", below));
    expect(problem).toMatchObject({ status: 422, errors: [{ path: "docs/secure.md" }] });
    const hidden = { artifact_type: "adr", target_path: "docs/.hidden/x.md" };
    expect(await problemOf(planWith(author, "generate_artifact", hidden))).toMatchObject({ status: 400 });
  });

  it("is scanned for secrets whatever it says, and so are messages and reasons", async () => {
    const key = ["AKIA", "QWERTYUIOPASDFGH"].join("");
    const parameters = { act: `secretlint-disable\nkey ${key}` };
    const payload = { artifact_type: "runbook", target_path: "docs/run.md", parameters };
    expect(await problemOf(planWith(author, "generate_artifact", payload))).toMatchObject({ status: 422 });
    const planned = await planWith(author, "add_agent", { agent_name: "said" });
    const message = submitWith(author, planned, { commit_message: `deploy with ${key}` });
    expect(await problemOf(message)).toMatchObject({ status: 422 });
    const submitted = await submitWith(author, planned);
    const reason = decideWith(approver, submitted.approval_id, "approve", `it is ${key}`);
    expect(await problemOf(reason)).toMatchObject({ status: 400, errors: [{ path: "approval_reason:1" }] });
  });

  it("holds no password that is said in words, wherever people write", async () => {
    const said = "deploy, password: Fin3cret05word";
    const planned = await planWith(author, "add_agent", { agent_name: "worded" });
    const ways = [
      planWith(author, "add_agent", { agent_name: "words", description: said }),
      planWith(author, "add_agent", { agent_name: "words", title: "a senha do hub é Fin3cret05word" }),
      planWith(author, "add_agent", { agent_name: "words", description: "user admin, pass Fin3cret05word" }),
      planWith(author, "add_agent", {
        agent_name: "words",
        repository: "https://x:Fin3cret05word@git.example.com/a/b",
      }),
      planWith(author, "add_agent", { agent_name: "words", capabilities: ["Fin3cret05wordA1b2C3"] }),
      submitWith(author, planned, { commit_message: said }),
    ];
    for (const problem of await Promise.all(ways.map(problemOf))) {
      expect(problem).toMatchObject({ status: 422, code: "patch_rejected" });
      expect(JSON.stringify(problem)).toMatch(/seems to carry a secret/);
      expect(JSON.stringify(problem)).not.toContain("Fin3cret05word");
    }
    const { approval_id, plan_id } = await submitWith(author, planned);
    for (const decision of ["approve", "reject"] as const) {
      const problem = await problemOf(decideWith(approver, approval_id, decision, said));
      expect(problem).toMatchObject({ status: 400, errors: [{ path: "approval_reason" }] });
    }
    await decideWith(approver, approval_id, "approve", "looks right");
    const rollback = approver.client.call("rollback", { body: { plan_id, reason: said } });
    expect(await problemOf(rollback)).toMatchObject({ status: 400, errors: [{ path: "reason" }] });
  });

  it("does not stop the console when somebody pushes a broken file", async () => {
    push({ "policies/zz.yaml": "kind: *nowhere\n" });
    expect((await planWith(author, "add_agent", { agent_name: "fine" })).plan.diffs).toHaveLength(2);
    const reply = await author.client.call("chat", { body: { message: "which policies are there?" } });
    expect(reply.reply).toContain("spend-guard");
  });

  it("takes no author that git would not", async () => {
    const planned = await planWith(author, "add_agent", { agent_name: "dot" });
    const problem = await problemOf(submitWith(author, planned, { actor: "." }));
    expect(problem).toMatchObject({ status: 400, errors: [{ path: "actor" }] });
  });
});

describe("with a forge", () => {
  let forge: ForgeDouble;
  const clock = settableClock();
  beforeEach(async () => {
    forge = await startForge("github", remote);
    const settings = {
      provider: "github" as const,
      url: forge.url,
      repository: "acme/config",
      token: "t",
      webhookSecret: "a-webhook-secret-of-the-team",
    };
    running = await startConsole({ clock, config: { configRepository: remote, forge: settings } });
    author = await running.person("planner");
    approver = await running.person("approver");
  });

  it("takes back what was squashed on the forge", async () => {
    const submitted = await submitAgent("squashed");
    const squash = git(remote, "commit-tree", `${submitted.commit_sha}^{tree}`, "-p", "main", "-m", "squash");
    git(remote, "update-ref", "refs/heads/main", squash);
    Object.assign(forge.pulls[0] ?? {}, { state: "closed", merged: squash });
    await approver.client.call("refreshPullRequest", { body: { plan_id: submitted.plan_id } });
    const undone = await approver.client.call("rollback", { body: { plan_id: submitted.plan_id } });
    expect(undone).toMatchObject({ outcome: "rolled_back" });
    expect(git(remote, "diff", "main~2", "main")).toBe("");
  });

  it("lets an expired change rest, also when its submission had waited", async () => {
    const planned = await planWith(author, "add_agent", { agent_name: "waited" });
    forge.down = true;
    await submitWith(author, planned);
    clock.advance(73 * 3_600_000);
    await running.changes.reconcile({ all: true });
    forge.down = false;
    await running.changes.reconcile({ all: true });
    expect(await changeOf(planned.plan.id)).toMatchObject({ status: "failed", outcome: "expired" });
    expect(forge.pulls).toEqual([]);
    expect(branches(remote)).toEqual(["main"]);
  });

  it("refuses an empty webhook as unsigned", async () => {
    const { headers } = webhook("github", "a-webhook-secret-of-the-team", "x");
    const response = await running.request("/api/v1/forge/webhook", { method: "POST", headers });
    expect(response.status).toBe(401);
  });
});

describe("the record", () => {
  it("is not filled by strangers, and says that a body was too large", async () => {
    const count = async () => (await approver.client.call("getCheckpoint")).size;
    const before = await count();
    for (let index = 0; index < 30; index += 1) {
      await running.request("/api/v1/session", { method: "POST", body: "{}" });
    }
    expect(await count()).toBe(before);
    const headers = { authorization: `Bearer ${author.token}` };
    await running.request("/api/v1/config/plan", { method: "POST", headers, body: "x".repeat(6_000_000) });
    const { items } = await author.client.call("listAudit", { query: { limit: 1 } });
    expect(items[0]).toMatchObject({ action: "http.plan", metadata: { code: "too_large" } });
  });

  it("tells a rollback that was asked for from one that was done", async () => {
    const edit = async (monthly_usd: number) => {
      const payload = { policy_id: "spend-guard", changes: { limits: { monthly_usd } } };
      const submitted = await submitWith(author, await planWith(author, "edit_policies", payload));
      await decideWith(approver, submitted.approval_id, "approve");
      return submitted.plan_id;
    };
    const [first] = [await edit(300), await edit(400)];
    await problemOf(approver.client.call("rollback", { body: { plan_id: first } }));
    const types = (await changeOf(first)).timeline.map(({ type }) => type);
    expect(types).toContain("change.rollback_requested");
    expect(types).toContain("change.revert_conflict");
    expect(types).not.toContain("change.rolled_back");
  });

  it("leaves no empty thread behind a refused message", async () => {
    const body = { message: "please", intent: "add_agent", payload: { agent_name: "A B" } };
    await problemOf(author.client.call("chat", { body }));
    expect((await author.client.call("getChat", { query: {} })).threads).toEqual([]);
  });
});
