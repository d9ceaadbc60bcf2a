import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../src/db/dialect.ts";
import { openConfigRepository } from "../src/features/config-repo/repository.ts";
import {
  decideWith,
  type Person,
  planWith,
  problemOf,
  startConsole,
  submitWith,
  type TestConsole,
} from "./support/console.ts";
import { newPostgresUrl } from "./support/databases.ts";
import { branches, git } from "./support/git.ts";
import { temporaryFolder } from "./support/temporary.ts";

let remote: string;
let checkout: string;
let running: TestConsole;
let author: Person;
let approver: Person;

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

const submitAgent = async (name: string) =>
  submitWith(author, await planWith(author, "add_agent", { agent_name: name }));
const push = (path: string, contents: string): void => {
  git(checkout, "pull", "--quiet");
  git(checkout, "config", "user.email", "x@example.com");
  writeFileSync(join(checkout, path), contents);
  git(checkout, "add", ".");
  git(checkout, "commit", "--quiet", "-m", `push ${path}`);
  git(checkout, "push", "--quiet");
};

describe("the team's own repository", () => {
  it("answers the first question of a console that has not looked at it yet", async () => {
    const reply = await author.client.call("chat", { body: { message: "Add the agent catalog" } });
    expect(reply.plan?.base_commit).toBe(git(remote, "rev-parse", "main"));
  });

  it("gets branch, landing and revert; nobody's checkout is touched", async () => {
    const before = git(checkout, "status", "--porcelain", "--branch");
    const submitted = await submitAgent("catalog");
    expect(git(remote, "rev-parse", submitted.branch)).toBe(submitted.commit_sha);
    await decideWith(approver, submitted.approval_id, "approve");
    expect(git(remote, "rev-parse", "main")).toBe(submitted.commit_sha);
    expect(branches(remote)).toEqual(["main"]);
    await approver.client.call("rollback", { body: { plan_id: submitted.plan_id } });
    expect(git(remote, "diff", "main~2", "main")).toBe("");
    expect(git(checkout, "status", "--porcelain", "--branch")).toBe(before);
  });

  it("takes in what others push: merges beside it, and is stale where they changed the same file", async () => {
    const beside = await submitAgent("beside");
    const changes = { limits: { monthly_usd: 300 } };
    const same = await submitWith(
      author,
      await planWith(author, "edit_policies", { policy_id: "spend-guard", changes }),
    );
    push(
      "policies/spend-guard.yaml",
      git(checkout, "show", "HEAD:policies/spend-guard.yaml").replace("200", "250") + "\n",
    );
    expect(await decideWith(approver, beside.approval_id, "approve")).toMatchObject({ outcome: "applied" });
    expect(git(remote, "rev-parse", "main^2")).toBe(beside.commit_sha);
    expect(await problemOf(decideWith(approver, same.approval_id, "approve"))).toMatchObject({
      code: "stale_plan",
    });
    expect(branches(remote)).toEqual(["main"]);
  });

  it("waits with the decision while the remote is away, and lands once when it is back", async () => {
    const submitted = await submitAgent("patient");
    renameSync(remote, `${remote}.away`);
    const waiting = await decideWith(approver, submitted.approval_id, "approve");
    expect(waiting).toMatchObject({ status: "in_progress", approvals: { given: 1 } });
    expect(waiting.message).toContain("does not answer");
    expect(await problemOf(planWith(author, "add_agent", { agent_name: "later" }))).toMatchObject({
      status: 503,
      code: "repository_unavailable",
    });
    expect((await running.request("/readyz")).status).toBe(503);
    renameSync(`${remote}.away`, remote);
    await running.changes.reconcile({ all: true });
    const change = await author.client.call("getChange", { params: { plan_id: submitted.plan_id } });
    expect(change).toMatchObject({ status: "completed", outcome: "applied" });
    expect(git(remote, "rev-parse", "main")).toBe(submitted.commit_sha);
    expect((await running.request("/readyz")).status).toBe(200);
  });

  it("leaves a branch alone that somebody made under the same name", async () => {
    const planned = await planWith(author, "add_agent", { agent_name: "taken" });
    git(remote, "update-ref", `refs/heads/ciclo/${planned.plan.id}`, "main");
    expect(await problemOf(submitWith(author, planned))).toMatchObject({
      status: 409,
      code: "branch_exists",
    });
    expect(git(remote, "rev-parse", `ciclo/${planned.plan.id}`)).toBe(git(remote, "rev-parse", "main"));
  });

  it("says what to do when the base branch is checked out there", async () => {
    const plain = await startConsole({ config: { configRepository: checkout } });
    const [planner, decider] = [await plain.person("planner"), await plain.person("approver")];
    const planned = await planWith(planner, "add_agent", { agent_name: "x" });
    const submitted = await submitWith(planner, planned);
    const waiting = await decideWith(decider, submitted.approval_id, "approve");
    expect(waiting).toMatchObject({ status: "in_progress" });
    expect(waiting.message).toContain("git clone --bare");
    expect(git(checkout, "status", "--porcelain")).toBe("");
  });

  it("is shared by two nodes on one database: one decision wins, disjoint changes all land", async () => {
    const url = await newPostgresUrl();
    const nodes = await Promise.all(
      [1, 2].map(async () => {
        const database = await openDatabase({ url, file: "" });
        return startConsole({ database, config: { configRepository: remote, masterKey: "ab".repeat(32) } });
      }),
    );
    const [one, two] = nodes;
    if (one === undefined || two === undefined) throw new Error("two nodes are needed");
    const [planner, decider] = [await one.person("planner"), await one.person("approver")];
    const elsewhere = { ...decider, client: two.clientOf(decider.token) };
    const submit = async (name: string) =>
      submitWith(planner, await planWith(planner, "add_agent", { agent_name: name }));

    const contested = await submit("contested");
    const decisions = await Promise.allSettled(
      Array.from({ length: 16 }, (_, index) =>
        decideWith(index % 2 === 0 ? decider : elsewhere, contested.approval_id, "approve"),
      ),
    );
    expect(decisions.filter(({ status }) => status === "fulfilled")).toHaveLength(1);

    const names = ["a", "b", "c", "d", "e", "f"];
    const submitted = await Promise.all(names.map(submit));
    const applied = await Promise.all(
      submitted.map(({ approval_id }, index) =>
        decideWith(index % 2 === 0 ? decider : elsewhere, approval_id, "approve"),
      ),
    );
    expect(applied.map(({ outcome }) => outcome)).toEqual(names.map(() => "applied"));
    for (const name of names) {
      expect(git(remote, "show", `main:agents/${name}/agent.yaml`)).toContain(`name: ${name}`);
    }
    expect(branches(remote)).toEqual(["main"]);
    expect(await two.audit.verify()).toMatchObject({ ok: true });
  });
});

it("another node finds the landing of a change once it has landed, and none before", async () => {
  const { commit_sha: commit, approval_id } = await submitAgent("elsewhere");
  const home = await temporaryFolder();
  const { repository } = await openConfigRepository({ home, source: remote, branch: "main" });
  expect(await repository.landedAs(commit ?? "")).toBeNull();
  await decideWith(approver, approval_id, "approve");
  await repository.refresh();
  expect(await repository.landedAs(commit ?? "")).toBe(commit);
});
