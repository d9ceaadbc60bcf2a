import { describe, expect, it } from "vitest";
import { decideWith, type Person, planWith, startConsole, submitWith } from "../support/console.ts";
import { eventually } from "../support/eventually.ts";
import { git } from "../support/git.ts";

/** What a forced push to the live branch leaves behind: the console says which changes it lost. */

async function start() {
  const console_ = await startConsole();
  const [planner, approver] = [await console_.person("planner"), await console_.person("approver")];
  const head = (): string => git(console_.git, "rev-parse", "main");
  const force = async (commit: string): Promise<void> => {
    git(console_.git, "update-ref", "refs/heads/main", commit);
    await console_.changes.watchLiveBranch();
  };
  const repository = async () => {
    const { checks } = await approver.client.call("getHealth");
    return checks.find(({ id }) => id === "repository");
  };
  const listed = async (planId: string) => {
    const { items } = await approver.client.call("listChanges", { query: { limit: 50 } });
    return items.filter(({ plan_id }) => plan_id === planId);
  };
  const entries = async (): Promise<string[]> => {
    const { items } = await approver.client.call("listAudit", { query: { limit: 200 } });
    return items
      .filter(({ action }) => /^live\.|_live$/.test(action))
      .map(({ action, plan_id }) => `${action} ${plan_id ?? ""}`.trim())
      .toReversed();
  };
  await console_.changes.watchLiveBranch();
  return { console_, planner, approver, head, force, repository, listed, entries };
}

async function landed(author: Person, approver: Person, name: string): Promise<string> {
  const planned = await planWith(author, "add_agent", { agent_name: name });
  const { approval_id, plan_id } = await submitWith(author, planned);
  await decideWith(approver, approval_id, "approve");
  return plan_id;
}

describe("a live branch that somebody rewrote", () => {
  it("is noticed once, and what it lost and got back is said wherever the change is shown", async () => {
    const { console_, planner, approver, head, force, repository, listed, entries } = await start();
    const before = head();
    const first = await landed(planner, approver, "first");
    const second = await landed(planner, approver, "second");
    const full = head();
    await console_.changes.watchLiveBranch();
    expect(await entries()).toEqual([]);

    await force(before);
    await console_.changes.watchLiveBranch();
    expect(await entries()).toEqual([
      "live.rewritten",
      `change.left_live ${first}`,
      `change.left_live ${second}`,
    ]);
    expect(await repository()).toMatchObject({ status: "degraded" });
    expect((await repository())?.detail).toContain(
      `${second}: main was rewritten and no longer holds the change`,
    );
    expect(await listed(first)).toMatchObject([
      { outcome: "applied", undone: false, left_at: expect.stringMatching(/^20/) as string },
    ]);
    const shown = await approver.client.call("getChange", { params: { plan_id: second } });
    expect(shown.message).toContain("no longer holds the change");
    expect(shown.timeline.map(({ type }) => type)).toContain("change.left_live");

    await force(full);
    expect((await entries()).slice(3)).toEqual([`change.back_live ${first}`, `change.back_live ${second}`]);
    expect(await repository()).toMatchObject({ status: "ok" });
    expect(await listed(first)).toMatchObject([{ left_at: null }]);
  });

  it("brings nothing else back when what it lost is rolled back, which settles the matter", async () => {
    const { console_, planner, approver, head, force, repository } = await start();
    const before = head();
    const first = await landed(planner, approver, "first");
    const second = await landed(planner, approver, "second");
    const full = head();
    await force(before);
    const preview = await approver.client.call("previewRollback", { params: { plan_id: second } });
    expect(preview).toMatchObject({ effect: "revert", files: [] });
    const { outcome } = await approver.client.call("rollback", { body: { plan_id: second } });
    expect(outcome).toBe("rolled_back");
    expect(head()).toBe(before);
    const detail = (await repository())?.detail;
    expect(detail).toContain(first);
    expect(detail).not.toContain(second);

    // Pushed again after all, it is live, and says so; and it can be taken back.
    await force(full);
    expect((await repository())?.detail).toContain(
      `${second}: main was rewritten and holds the change again`,
    );
    expect((await repository())?.detail).not.toContain(first);
    await approver.client.call("rollback", { body: { plan_id: second } });
    expect(git(console_.git, "ls-tree", "-r", "--name-only", "main")).not.toContain("agents/second/");
    expect(git(console_.git, "ls-tree", "-r", "--name-only", "main")).toContain("agents/first/");
    expect(await repository()).toMatchObject({ status: "ok" });
  });

  it("that loses a rollback holds its change again, and lets it be rolled back once more", async () => {
    const { console_, planner, approver, head, force, repository, listed } = await start();
    const planId = await landed(planner, approver, "first");
    const withIt = head();
    await approver.client.call("rollback", { body: { plan_id: planId } });
    expect(head()).not.toBe(withIt);
    await force(withIt);
    expect((await repository())?.detail).toContain(
      `${planId}: main was rewritten and holds the change again`,
    );
    expect((await listed(planId)).find(({ kind }) => kind === "submission")).toMatchObject({ undone: false });
    expect(await approver.client.call("getChange", { params: { plan_id: planId } })).toMatchObject({
      outcome: "applied",
      message: expect.stringContaining("its rollback is gone") as string,
    });
    await approver.client.call("rollback", { body: { plan_id: planId } });
    expect(git(console_.git, "ls-tree", "-r", "--name-only", "main")).not.toContain("agents/first/");
    expect(await repository()).toMatchObject({ status: "ok" });
    expect((await listed(planId)).find(({ kind }) => kind === "submission")).toMatchObject({ undone: true });
  });

  it("is noticed by the console itself, and after a stop too", async () => {
    const { console_, planner, approver, head, repository } = await start();
    const before = head();
    const planId = await landed(planner, approver, "first");
    await console_.changes.watchLiveBranch();
    git(console_.git, "update-ref", "refs/heads/main", before);
    await console_.features.changes.workers.start();
    const noticed = await eventually(repository, (check) => check?.status === "degraded");
    expect(noticed?.detail).toContain(planId);
    await console_.features.changes.workers.stop();
  });
});
