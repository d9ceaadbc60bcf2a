import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import {
  decideWith,
  type Person,
  planWith,
  startConsole,
  submitWith,
  type TestConsole,
} from "./support/console.ts";
import { type ForgeDouble, pushEvent, startForge, webhook } from "./support/forge-double.ts";
import { pushFiles, registryOf } from "./support/config.ts";
import { branches, git } from "./support/git.ts";
import { temporaryFolder } from "./support/temporary.ts";

const secret = "a-webhook-secret-of-the-team";

describe.each(["github", "gitlab"] as const)("%s", (provider) => {
  let remote: string;
  let forge: ForgeDouble;
  let running: TestConsole;
  let author: Person;
  let approver: Person;

  beforeEach(async () => {
    remote = join(await temporaryFolder(), "remote.git");
    const seed = await startConsole();
    git(seed.home, "clone", "--quiet", "--bare", seed.git, remote);
    forge = await startForge(provider, remote);
    running = await startConsole({
      config: {
        configRepository: remote,
        forge: {
          provider,
          url: forge.url,
          repository: "acme/config",
          token: "forge-token",
          webhookSecret: secret,
        },
      },
    });
    author = await running.person("planner");
    approver = await running.person("approver");
  });

  const submitAgent = async (name: string) =>
    submitWith(author, await planWith(author, "add_agent", { agent_name: name }));
  const changeOf = (plan_id: string) => author.client.call("getChange", { params: { plan_id } });

  it("opens a pull request, merges the approved head, and removes the branch", async () => {
    const submitted = await submitAgent("catalog");
    expect(submitted.pull_request).toMatchObject({
      provider,
      number: 1,
      state: "open",
      head: submitted.commit_sha,
    });
    expect(forge.pulls[0]).toMatchObject({
      title: "Add agent catalog",
      head: submitted.branch,
      base: "main",
    });
    expect(forge.pulls[0]?.body).toContain(submitted.plan_id);
    const applied = await decideWith(approver, submitted.approval_id, "approve");
    expect(applied).toMatchObject({
      status: "completed",
      outcome: "applied",
      pull_request: { state: "merged" },
    });
    expect(git(remote, "rev-parse", "main^2")).toBe(submitted.commit_sha);
    expect(branches(remote)).toEqual(["main"]);

    const undone = await approver.client.call("rollback", { body: { plan_id: submitted.plan_id } });
    expect(undone).toMatchObject({ outcome: "rolled_back" });
    expect(git(remote, "diff", "main~2", "main")).toBe("");
  });

  it("closes the pull request of a rejected and of a rolled back change", async () => {
    const [one, two] = [await submitAgent("one"), await submitAgent("two")];
    await decideWith(approver, one.approval_id, "reject");
    await approver.client.call("rollback", { body: { plan_id: two.plan_id } });
    expect(forge.pulls.map(({ state, merged }) => [state, merged])).toEqual([
      ["closed", null],
      ["closed", null],
    ]);
    expect(branches(remote)).toEqual(["main"]);
    for (const { plan_id } of [one, two]) {
      expect((await changeOf(plan_id)).pull_request?.state).toBe("closed");
    }
  });

  it("takes in checks and reviews by call and by signed webhook, and refuses an unsigned one", async () => {
    const submitted = await submitAgent("checked");
    forge.checks = [{ name: "lint", conclusion: "success" }];
    const synced = await approver.client.call("refreshPullRequest", { body: { plan_id: submitted.plan_id } });
    expect(synced.pull_request?.checks).toMatchObject([{ status: "success" }]);
    forge.reviews = [{ login: "octo", state: "APPROVED" }];
    const post = (headers: Record<string, string>, body: string) =>
      running.request("/api/v1/forge/webhook", { method: "POST", headers, body });
    const signed = webhook(provider, secret, submitted.branch);
    expect((await post(signed.headers, signed.body)).status).toBe(202);
    expect((await changeOf(submitted.plan_id)).pull_request?.reviews).toEqual([
      { author: "octo", state: "approved" },
    ]);
    const forged = webhook(provider, "another-secret-entirely", submitted.branch);
    expect((await post(forged.headers, forged.body)).status).toBe(401);
    expect((await post({}, signed.body)).status).toBe(401);
    const other = webhook(provider, secret, "somebody/else");
    expect(await (await post(other.headers, other.body)).json()).toEqual({ known: false });
  });

  it("reads the registry again when a signed webhook tells of a push to the live branch", async () => {
    await running.features.servers.workers.start();
    const server = {
      id: "pushed",
      title: "Pushed",
      transport: "sse" as const,
      url: "http://127.0.0.1:9/sse",
    };
    pushFiles(remote, { "mcp-registry.yaml": registryOf([server]) });
    const told = async (branch: string) => {
      const { headers, body } = pushEvent(provider, secret, branch);
      const response = await running.request("/api/v1/forge/webhook", { method: "POST", headers, body });
      return response.json();
    };
    expect(await told("somebody/else")).toEqual({ known: false });
    expect(await told("main")).toEqual({ known: true });
    expect(running.servers.list("en").map(({ id }) => id)).toEqual(["pushed"]);
    await running.features.servers.workers.stop();
  });

  it("keeps the decision while the forge is down, says why, and merges once when it is back", async () => {
    const submitted = await submitAgent("patient");
    forge.down = true;
    const waiting = await decideWith(approver, submitted.approval_id, "approve");
    expect(waiting).toMatchObject({ status: "in_progress", outcome: null, approvals: { given: 1 } });
    expect(waiting.message).toMatch(/does not answer/);
    await running.changes.reconcile({ all: true });
    expect(await changeOf(submitted.plan_id)).toMatchObject({ status: "in_progress" });
    forge.down = false;
    await Promise.all([running.changes.reconcile({ all: true }), running.changes.reconcile({ all: true })]);
    expect(await changeOf(submitted.plan_id)).toMatchObject({ status: "completed", outcome: "applied" });
    expect(forge.merges).toBe(1);
    const waited = (await changeOf(submitted.plan_id)).timeline.filter(
      ({ type }) => type === "change.waiting",
    );
    expect(waited).toHaveLength(1);
  });

  it("keeps a submission while the forge is down, and asks for approval when it is back", async () => {
    const planned = await planWith(author, "add_agent", { agent_name: "early" });
    forge.down = true;
    expect(await submitWith(author, planned)).toMatchObject({ status: "in_progress" });
    forge.down = false;
    await running.changes.reconcile({ all: true });
    expect(await changeOf(planned.plan.id)).toMatchObject({
      status: "hitl_required",
      pull_request: { number: 1 },
    });
    expect(forge.pulls).toHaveLength(1);
  });

  it("waits while checks hold the merge back", async () => {
    const submitted = await submitAgent("held");
    forge.blocked = "Required status check is expected";
    const waiting = await decideWith(approver, submitted.approval_id, "approve");
    expect(waiting).toMatchObject({ status: "in_progress" });
    expect(waiting.message).toContain("does not merge yet");
    forge.blocked = null;
    await running.changes.reconcile({ all: true });
    expect(await changeOf(submitted.plan_id)).toMatchObject({ outcome: "applied" });
  });

  it("never merges a head that is not the approved one", async () => {
    const submitted = await submitAgent("moved");
    const other = git(
      remote,
      "commit-tree",
      `${submitted.commit_sha}^{tree}`,
      "-p",
      submitted.commit_sha ?? "",
      "-m",
      "sneaked in",
    );
    git(remote, "update-ref", `refs/heads/${submitted.branch}`, other);
    const waiting = await decideWith(approver, submitted.approval_id, "approve");
    expect(waiting).toMatchObject({ status: "in_progress", outcome: null });
    expect(forge.merges).toBe(0);
    const undone = await approver.client.call("rollback", { body: { plan_id: submitted.plan_id } });
    expect(undone).toMatchObject({ outcome: "rolled_back" });
    expect(git(remote, "rev-parse", submitted.branch)).toBe(other);
  });

  it("reads checks and reviews to the last page", async () => {
    forge.checks = Array.from({ length: 230 }, (_, index) => ({
      name: `check ${index}`,
      conclusion: "success",
    }));
    forge.reviews = Array.from({ length: 130 }, (_, index) => ({
      login: `user-${index}`,
      state: "APPROVED",
    }));
    const { pull_request } = await submitAgent("catalog");
    expect(pull_request?.checks).toHaveLength(230);
    if (provider === "github") expect(pull_request?.reviews).toHaveLength(130);
  });

  it("waits for nothing that its token may not read, and says what that is", async () => {
    if (provider === "github") forge.forbidden = ["checks", "reviews"];
    const submitted = await submitAgent("catalog");
    expect(submitted).toMatchObject({ status: "hitl_required", pull_request: { state: "open", checks: [] } });
    expect(submitted.pull_request?.hidden).toEqual(forge.forbidden);
    expect(await decideWith(approver, submitted.approval_id, "approve")).toMatchObject({
      outcome: "applied",
    });
  });

  it("says what was decided on the forge itself", async () => {
    const [merged, closed] = [await submitAgent("merged"), await submitAgent("closed")];
    const [first, second] = forge.pulls;
    if (first === undefined || second === undefined) throw new Error("no pull requests");
    const commit = git(
      remote,
      "commit-tree",
      `${merged.commit_sha}^{tree}`,
      "-p",
      "main",
      "-p",
      merged.commit_sha ?? "",
      "-m",
      "m",
    );
    git(remote, "update-ref", "refs/heads/main", commit);
    Object.assign(first, { state: "closed", merged: commit });
    second.state = "closed";
    for (const { plan_id } of [merged, closed]) {
      await approver.client.call("refreshPullRequest", { body: { plan_id } });
    }
    expect(await changeOf(merged.plan_id)).toMatchObject({ status: "completed", outcome: "applied" });
    expect((await changeOf(merged.plan_id)).timeline.map(({ type }) => type)).toContain(
      "change.merged_outside",
    );
    expect(await changeOf(closed.plan_id)).toMatchObject({ status: "failed", outcome: "rejected" });
  });
});
