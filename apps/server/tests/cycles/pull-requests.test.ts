import { renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cyclesConsole, mends, policies, shop, type Step } from "../support/cycles/console.ts";
import { eventually } from "../support/eventually.ts";
import { type ForgeDouble, forgeToken, startForge, webhook } from "../support/forge-double.ts";
import { branches, git } from "../support/git.ts";
import { repositoryWith } from "../support/repository.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { problemOf } from "../support/console.ts";
import { verifyManifest } from "../../src/cli/manifest.ts";

const secret = "a-webhook-secret-of-the-team";
type Provider = "github" | "gitlab";

/** A console whose cycles work on a repository of a forge, which git reaches by HTTP alone. */
async function onForge(
  provider: Provider,
  { policy = {}, turns }: { policy?: Record<string, unknown>; turns?: readonly (readonly Step[])[] } = {},
) {
  const seed = await repositoryWith(shop);
  const bare = join(await temporaryFolder(), "shop.git");
  git(seed.folder, "clone", "--quiet", "--bare", seed.folder, bare);
  const forge = await startForge(provider, bare, "acme/shop");
  const url = provider === "github" ? `${forge.url}/api/v3` : forge.url;
  const address = `${forge.url}/acme/shop.git`;
  const console = await cyclesConsole({
    ...(turns === undefined ? {} : { turns }),
    policy: { repositories: [`${forge.url}/**`], ...policy },
    config: {
      publicUrl: "https://ciclo.example.com",
      forge: { provider, url, repository: undefined, token: forgeToken, webhookSecret: secret },
    },
  });
  const { person, approver, get } = console;
  return {
    ...console,
    bare,
    forge,
    head: (branch = "main") => git(bare, "rev-parse", branch),
    begin: () =>
      person.client.call("startCycle", {
        body: { repository: address, issue: "# Sums are wrong\n\nsum(2, 2) is 0. @everyone" },
      }),
    /** Approves what comes before the merge, and waits at that checkpoint. */
    async toMerge(id: string) {
      for (const stage of ["analyze", "plan"]) {
        await eventually(
          () => get(id),
          (cycle) => cycle.stage === stage && cycle.checkpoint !== null,
          60_000,
        );
        await console.decide(approver, id, "approve");
      }
      return eventually(
        () => get(id),
        (cycle) => cycle.state === "waiting" && cycle.stage === "check",
        60_000,
      );
    },
    until: (id: string, is: (cycle: Awaited<ReturnType<typeof get>>) => boolean) =>
      eventually(() => get(id), is, 60_000),
  };
}

const onlyPull = ({ pulls }: ForgeDouble) => {
  expect(pulls).toHaveLength(1);
  if (pulls[0] === undefined) throw new Error("no pull request");
  return pulls[0];
};

describe.each(["github", "gitlab"] as const)("a cycle whose repository is on %s", (provider) => {
  it("is merged by a pull request, once it was approved, with the manifest attached", async () => {
    const { forge, begin, toMerge, decide, approver, until, head, bare } = await onForge(provider);
    const base = head();
    const { id } = await begin();
    const checked = await toMerge(id);
    // Nothing of an agent's reaches the forge, whose CI would run it, before somebody has agreed.
    expect(forge.calls).toEqual([]);
    expect(branches(bare)).toEqual(["main"]);
    expect(checked.pull_request).toBeNull();

    await decide(approver, id, "approve");
    const ended = await until(id, ({ pull_request: pull }) => pull?.has_manifest === true);
    const pull = onlyPull(forge);
    expect(ended).toMatchObject({
      state: "completed",
      pull_request: { provider, number: 1, state: "merged", head: checked.head_commit, merge_commit: head() },
    });
    expect(forge.merges).toBe(1);
    expect([git(bare, "rev-parse", "main^1"), git(bare, "rev-parse", "main^2")]).toEqual([
      base,
      checked.head_commit,
    ]);
    expect(pull).toMatchObject({ title: "fix: sum adds its numbers", head: `ciclo/${id}`, base: "main" });
    expect(pull.body).toContain("sum subtracted.");
    expect(pull.body).toContain("**R1** T1: adds two numbers \\[T1\\]");
    expect(pull.body).toContain(`https://ciclo.example.com/cycles/${id}`);

    const [comment = "", ...more] = pull.comments;
    expect(more).toEqual([]);
    const manifest = /```json\n(.+)\n```/.exec(comment)?.[1] ?? "";
    const { public_key: key } = await approver.client.call("getCycleKey");
    const { predicate } = verifyManifest(manifest, key);
    expect(predicate.pull_request).toEqual({ url: ended.pull_request?.url, merge_commit: head() });
    expect(predicate.head).toBe(checked.head_commit);
  });

  it("waits while the forge is away, and is merged once it is back, with nobody's help", async () => {
    const { forge, begin, toMerge, decide, approver, until, get } = await onForge(provider);
    const { id } = await begin();
    await toMerge(id);
    forge.down = true;
    const asked = forge.refused;
    await decide(approver, id, "approve");
    await eventually(
      () => Promise.resolve(forge.refused),
      (refused) => refused > asked + 1,
      60_000,
    );
    expect((await get(id)).state).toBe("running");
    forge.down = false;
    expect(await until(id, ({ state }) => state !== "running")).toMatchObject({ state: "completed" });
    expect(forge.merges).toBe(1);
  });

  it("is there for reviewers where policy says so, with each version of the work, and closed where it came to nothing", async () => {
    const { forge, begin, toMerge, decide, approver, until, bare, head } = await onForge(provider, {
      policy: { pull_requests: "for_review" },
      turns: [mends, [{ do: "write", path: "src/sum.js", contents: "exports.sum = (a, b) => b + a;\n" }]],
    });
    const { id } = await begin();
    const checked = await toMerge(id);
    const proposed = await until(id, ({ pull_request: pull }) => pull !== null);
    expect(proposed).toMatchObject({
      branch: `ciclo/${id}`,
      pull_request: { state: "open", head: checked.head_commit },
    });
    expect(head(`ciclo/${id}`)).toBe(checked.head_commit);
    await decide(approver, id, "send_back", "The other way round, please");
    const again = await until(
      id,
      (cycle) =>
        cycle.checkpoint !== null &&
        cycle.head_commit !== checked.head_commit &&
        cycle.pull_request?.head === cycle.head_commit,
    );
    expect(head(`ciclo/${id}`)).toBe(again.head_commit);
    expect(onlyPull(forge).state).toBe("open");
    await decide(approver, id, "reject", "Not needed after all");
    const ended = await until(id, ({ pull_request: pull }) => pull?.state === "closed");
    expect(ended.state).toBe("rejected");
    await eventually(
      () => Promise.resolve(branches(bare)),
      (names) => names.join(" ") === "main",
    );
    expect(onlyPull(forge)).toMatchObject({ state: "closed", merged: null });
  });

  it("waits for the forge's checks, and goes on when they change", async () => {
    const { forge, begin, toMerge, decide, approver, until, gateway } = await onForge(provider);
    forge.blocked = 'Required status check "build" is expected.';
    const { id } = await begin();
    await toMerge(id);
    await decide(approver, id, "approve");
    const waiting = await until(id, ({ waits_for: wait }) => wait === "forge");
    expect(waiting).toMatchObject({ state: "waiting", stage: "merge", pull_request: { state: "open" } });
    expect(waiting.reason).toContain("Required status check");
    forge.blocked = null;
    forge.checks = [{ name: "build", conclusion: "success" }];
    const { headers, body } = webhook(provider, secret, `ciclo/${id}`);
    await gateway.request("/api/v1/forge/webhook", { method: "POST", headers, body });
    const ended = await until(id, ({ state }) => state === "completed");
    expect(ended.pull_request?.state).toBe("merged");
    expect(forge.merges).toBe(1);
  });

  it("is not merged where somebody pushes to its branch, and what they pushed stays", async () => {
    const { begin, toMerge, decide, approver, until, bare, head, gateway } = await onForge(provider, {
      policy: { pull_requests: "for_review" },
    });
    const { id } = await begin();
    await toMerge(id);
    await until(id, ({ pull_request: pull }) => pull !== null);
    const branch = `ciclo/${id}`;
    const tree = git(bare, "rev-parse", `${branch}^{tree}`);
    const other = git(bare, "commit-tree", tree, "-p", branch, "-m", "feat: one more");
    git(bare, "update-ref", `refs/heads/${branch}`, other);
    const { headers, body } = webhook(provider, secret, branch);
    await gateway.request("/api/v1/forge/webhook", { method: "POST", headers, body });
    const told = await until(id, ({ reason }) => reason !== null);
    expect(told.reason).toContain(`Somebody pushed ${other}`);
    const base = head();
    await decide(approver, id, "approve");
    const stopped = await until(id, ({ waits_for: wait }) => wait === "help");
    expect(stopped.reason).toContain(`Somebody pushed to ${branch}`);
    expect([head(branch), head()]).toEqual([other, base]);
  });

  it("takes no word of the forge for what was approved here", async () => {
    const { forge, begin, toMerge, decide, approver, until, bare } = await onForge(provider, {
      policy: { pull_requests: "for_review" },
    });
    const { id } = await begin();
    await toMerge(id);
    await until(id, ({ pull_request: pull }) => pull !== null);
    // Somebody adds a commit there, and merges the whole.
    const pull = onlyPull(forge);
    const tree = git(bare, "rev-parse", `${pull.head}^{tree}`);
    const other = git(bare, "commit-tree", tree, "-p", pull.head, "-m", "feat: one more");
    git(bare, "update-ref", `refs/heads/${pull.head}`, other);
    Object.assign(pull, { state: "closed", merged: other, mergedHead: other });
    git(bare, "update-ref", "refs/heads/main", other);
    await decide(approver, id, "approve");
    const stopped = await until(id, ({ waits_for: wait }) => wait === "help");
    expect(stopped).toMatchObject({ state: "waiting", stage: "merge" });
    expect(stopped.reason).toContain("which is not what was checked and approved here");
    expect(forge.merges).toBe(0);
  });

  it.each([provider === "github" ? "a merge" : "one commit"])(
    "that merged it by %s is taken back by another pull request",
    async (how) => {
      const { forge, begin, toMerge, decide, approver, person, until, bare, head } = await onForge(provider);
      const { id } = await begin();
      await toMerge(id);
      const before = head();
      forge.squashes = how === "one commit";
      await decide(approver, id, "approve");
      const merged = await until(id, ({ pull_request: pull }) => pull?.has_manifest === true);
      expect(merged.rollback_standing).toEqual({ required: 1, given: 0, may_decide: true, why_not: null });
      expect(
        await problemOf(person.client.call("rollbackCycle", { params: { id }, body: {} })),
      ).toMatchObject({
        status: 403,
      });
      await approver.client.call("rollbackCycle", { params: { id }, body: { reason: "Totals are wrong" } });
      const back = await until(id, ({ state }) => state === "rolled_back");
      expect(back.rollback).toMatchObject({ by: approver.name, reason: "Totals are wrong", commit: head() });
      expect(git(bare, "diff", before, "main")).toBe("");
      expect(forge.pulls.map(({ title, state }) => [title, state])).toEqual([
        ["fix: sum adds its numbers", "closed"],
        ["revert: sums are wrong", "closed"],
      ]);
    },
  );

  it("is taken back where the forge squashed it, its branch is gone, and so is this node's copy", async () => {
    const { gateway, forge, begin, toMerge, decide, approver, until, head, bare } = await onForge(provider);
    const { id } = await begin();
    await toMerge(id);
    const before = head();
    forge.squashes = true;
    await decide(approver, id, "approve");
    await until(id, ({ pull_request: pull }) => pull?.has_manifest === true);
    if (branches(bare).includes(`ciclo/${id}`)) git(bare, "branch", "--quiet", "-D", `ciclo/${id}`);
    await gateway.features.cycles.service.purgeRepositories("2999-01-01T00:00:00.000Z");
    await approver.client.call("rollbackCycle", { params: { id }, body: {} });
    await until(id, ({ state }) => state === "rolled_back");
    expect(git(bare, "diff", before, "main")).toBe("");
  });
});

describe("a cycle of a repository that is on no forge", () => {
  it("leaves no branch where it was not approved", async () => {
    const { start, get, decide, approver, settled, repository } = await cyclesConsole();
    const { id } = await start();
    for (let at = 0; at < 2; at += 1) {
      await settled(id);
      await decide(approver, id, "approve");
    }
    await eventually(
      () => get(id),
      (cycle) => cycle.stage === "check" && cycle.checkpoint !== null,
      60_000,
    );
    await decide(approver, id, "reject");
    expect(branches(repository.folder)).toEqual(["main"]);
  });
});

describe("a merged cycle", () => {
  const merged = async (policy: Record<string, unknown> = {}) => {
    const console = await cyclesConsole({ policy });
    const { start, settled, decide, approver } = console;
    const { id } = await start();
    for (let at = 0; at < 3; at += 1) {
      await settled(id);
      await decide(approver, id, "approve");
    }
    expect(await settled(id)).toMatchObject({ state: "completed" });
    return { ...console, id };
  };

  it("is taken back, and what came later stays", async () => {
    const { id, repository, approver, settled, get, person } = await merged();
    repository.commit({ "README.md": "# A shop\n" }, "docs: say what it is");
    await approver.client.call("rollbackCycle", { params: { id }, body: { reason: "Wrong totals" } });
    const back = await eventually(
      () => get(id),
      ({ state }) => state === "rolled_back",
      60_000,
    );
    expect(repository.git("show", "main:src/sum.js")).toBe(shop["src/sum.js"].trim());
    expect(repository.git("show", "main:README.md")).toBe("# A shop");
    expect(repository.git("log", "-1", "--format=%H %s", "main")).toBe(
      `${back.rollback?.commit} revert: sums are wrong`,
    );
    expect(back.timeline.map(({ type }) => type).slice(-2)).toEqual([
      "cycle.rollback_begun",
      "cycle.rolled_back",
    ]);
    // It is over: nothing more can be done of it.
    expect(
      await problemOf(approver.client.call("rollbackCycle", { params: { id }, body: {} })),
    ).toMatchObject({ code: "already_decided" });
    expect(await problemOf(person.client.call("resumeCycle", { params: { id }, body: {} }))).toMatchObject({
      code: "already_decided",
    });
    await settled(id);
    const { results } = await approver.client.call("getCycleResults", { query: {} });
    expect(results[0]).toMatchObject({ score: 0, resolved_instances: 0 });
  });

  it("is taken back whatever others write into their messages", async () => {
    const { id, repository, approver, get } = await merged();
    repository.commit({ "README.md": "# A shop\n" }, `docs: say what it is\n\nCycle-Rollback: ${id}`);
    await approver.client.call("rollbackCycle", { params: { id }, body: {} });
    const back = await eventually(
      () => get(id),
      ({ state }) => state === "rolled_back",
      60_000,
    );
    expect(repository.git("show", "main:src/sum.js")).toBe(shop["src/sum.js"].trim());
    expect(back.rollback?.commit).toBe(repository.git("rev-parse", "main"));
  });

  it("says why it cannot be taken back now, and the rollback can be called off", async () => {
    const { id, repository, approver, get } = await merged();
    renameSync(repository.folder, `${repository.folder}-away`);
    await approver.client.call("rollbackCycle", { params: { id }, body: {} });
    const waits = await eventually(
      () => get(id),
      ({ reason }) => reason !== null,
      60_000,
    );
    expect(waits).toMatchObject({
      state: "rolling_back",
      reason: expect.stringContaining("git cannot work with"),
    });
    await approver.client.call("cancelCycle", { params: { id }, body: {} });
    expect(await get(id)).toMatchObject({
      state: "completed",
      reason: null,
      rollback: null,
      rollback_standing: { given: 0, may_decide: true },
    });
  });

  it("stays where later changes touch the same lines, and says so", async () => {
    const { id, repository, approver, get } = await merged();
    repository.commit({ "src/sum.js": "exports.sum = (a, b) => Number(a) + Number(b);\n" }, "fix: numbers");
    const head = repository.git("rev-parse", "main");
    await approver.client.call("rollbackCycle", { params: { id }, body: {} });
    const kept = await eventually(
      () => get(id),
      ({ reason }) => reason !== null,
      60_000,
    );
    expect(kept).toMatchObject({ state: "completed", rollback: null });
    expect(kept.reason).toContain("src/sum.js");
    expect(repository.git("rev-parse", "main")).toBe(head);
    // Once the lines are as they were, it can be asked for again.
    repository.commit({ "src/sum.js": "exports.sum = (a, b) => a + b;\n" }, "revert: numbers");
    await approver.client.call("rollbackCycle", { params: { id }, body: {} });
    await eventually(
      () => get(id),
      ({ state }) => state === "rolled_back",
      60_000,
    );
  });

  it("is taken back by as many as have to approve", async () => {
    const console = await merged();
    const { id, approver, gateway, get, withAgent } = console;
    await withAgent([mends]);
    const second = await gateway.person("approver");
    await gateway.push(policies({ approvals: { required: 2 } }));
    const asked = await approver.client.call("rollbackCycle", { params: { id }, body: { reason: "Wrong" } });
    expect(asked).toMatchObject({
      state: "completed",
      rollback_standing: { required: 2, given: 1, may_decide: false },
    });
    expect(
      await problemOf(approver.client.call("rollbackCycle", { params: { id }, body: {} })),
    ).toMatchObject({ code: "already_decided" });
    await second.client.call("rollbackCycle", { params: { id }, body: {} });
    await eventually(
      () => get(id),
      ({ state }) => state === "rolled_back",
      60_000,
    );
  });
});
