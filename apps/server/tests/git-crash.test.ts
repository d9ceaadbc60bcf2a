import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { maintain } from "../src/features/config-repo/maintenance.ts";
import { resolveRef, tipOf } from "../src/features/config-repo/plumbing.ts";
import { openGit } from "../src/lib/git.ts";
import { strayFiles } from "./campaigns/outcome.ts";
import {
  decideWith,
  type Person,
  planWith,
  startConsole,
  submitWith,
  type TestConsole,
} from "./support/console.ts";
import { branches, git } from "./support/git.ts";
import { temporaryFolder } from "./support/temporary.ts";

/** A real git that holds the lock of a branch until it is told to let go, or is killed. */
async function holdBranch(
  repository: string,
  branch: string,
  {
    cwd = ".",
    args = ["--git-dir", repository],
    environment = {},
  }: { cwd?: string; args?: string[]; environment?: object } = {},
) {
  const tip = git(repository, "rev-parse", branch);
  const child = spawn("git", [...args, "update-ref", "--stdin"], {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.write(`start\nupdate refs/heads/${branch} ${tip} ${tip}\nprepare\n`);
  let said = "";
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes("prepare: ok")) break;
  }
  const exited = once(child, "exit");
  return {
    lock: join(repository, `refs/heads/${branch}.lock`),
    async release() {
      child.stdin.end("abort\n");
      await exited;
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

let running: TestConsole;
let author: Person;
let approver: Person;

async function people(console_: TestConsole): Promise<void> {
  running = console_;
  author = await running.person("planner");
  approver = await running.person("approver");
}

const submitAgent = async (name: string) =>
  submitWith(author, await planWith(author, "add_agent", { agent_name: name }));

const changeOf = (plan_id: string) => author.client.call("getChange", { params: { plan_id } });

describe("a git that is killed at work in the console's own repository", () => {
  beforeEach(async () => people(await startConsole()));

  it("leaves a lock that the next landing removes", async () => {
    const { approval_id } = await submitAgent("catalog");
    const held = await holdBranch(running.git, "main");
    await held.kill();
    expect(existsSync(held.lock)).toBe(true);
    expect(await decideWith(approver, approval_id, "approve")).toMatchObject({ outcome: "applied" });
    expect(strayFiles(running.git)).toEqual([]);
  });

  it("is not mistaken for one that lives: that one is waited for, and named", async () => {
    const { approval_id, plan_id } = await submitAgent("catalog");
    const held = await holdBranch(running.git, "main");
    const waiting = await decideWith(approver, approval_id, "approve");
    expect(waiting).toMatchObject({ status: "in_progress", outcome: null });
    expect(waiting.message).toContain(`Git holds the lock ${held.lock}, since 20`);
    expect(waiting.message).not.toContain("moves faster");
    expect(existsSync(held.lock)).toBe(true);
    await held.release();
    await running.changes.reconcile({ all: true });
    expect(await changeOf(plan_id)).toMatchObject({ outcome: "applied" });
  });

  it("leaves files that the next start removes, unless a git is at work there", async () => {
    const left = [
      "config.lock",
      "packed-refs.new",
      "HEAD.lock",
      "objects/pack/tmp_bitmap_a1b2c3",
      "objects/pack/pack-a1b2c3.keep",
      "objects/info/packs_a1b2c3",
      "info/refs_a1b2c3",
      "shallow_a1b2c3",
      "fast_import_crash_999999999",
      `ciclo-check-${process.pid}-1.index`,
      "packed-refs.lock",
      "refs/heads/main.lock",
      "objects/pack/tmp_pack_a1b2c3",
      "objects/pack/tmp_idx_a1b2c3",
      "objects/aa/tmp_obj_a1b2c3",
      "objects/incoming-a1b2c3/pack",
      "objects/info/commit-graphs/commit-graph-chain.lock",
      "gc.pid",
      "ciclo-check-999999999-1.index",
    ];
    const plant = (): void => {
      for (const name of left) {
        const path = join(running.git, name);
        mkdirSync(join(path, ".."), { recursive: true });
        writeFileSync(path, "");
        utimesSync(path, new Date(), new Date(Date.now() - 60_000));
      }
    };
    const again = () => startConsole({ database: running.database, config: { home: running.home } });
    const other = await holdBranch(running.git, "main");
    await other.kill();
    rmSync(other.lock);
    git(running.git, "branch", "beside", "main");
    const living = await holdBranch(running.git, "beside");
    plant();
    await again();
    expect(left.filter((name) => !existsSync(join(running.git, name)))).toEqual([]);
    await living.release();
    await again();
    expect(left.filter((name) => existsSync(join(running.git, name)))).toEqual([]);
    expect(git(running.git, "fsck", "--no-dangling")).toBe("");
  });
});

describe("what stands in the way while the console runs", () => {
  const old = new Date(Date.now() - 60_000);
  beforeEach(async () => people(await startConsole()));

  it("is removed whatever kind of lock it is, also where the path has a quote in it", async () => {
    const home = join(await temporaryFolder(), "o'brien: home");
    mkdirSync(home);
    await people(await startConsole({ config: { home } }));
    const { approval_id } = await submitAgent("catalog");
    git(running.git, "pack-refs", "--all");
    for (const name of ["packed-refs.new", "packed-refs.lock", "refs/heads/main.lock", "HEAD.lock"]) {
      mkdirSync(join(running.git, name, ".."), { recursive: true });
      writeFileSync(join(running.git, name), "");
      utimesSync(join(running.git, name), old, old);
    }
    const decided = await decideWith(approver, approval_id, "approve");
    expect(decided).toMatchObject({ outcome: "applied" });
    await running.changes.reconcile({ all: true });
    expect(strayFiles(running.git).filter((name) => name !== "HEAD.lock")).toEqual([]);
  });

  it.each<[string, (repository: string) => Promise<{ cwd: string; args: string[]; environment: object }>]>([
    [
      "a relative path",
      (repository) =>
        Promise.resolve({ cwd: join(repository, ".."), args: ["--git-dir", "config.git"], environment: {} }),
    ],
    [
      "a relative GIT_DIR",
      (repository) =>
        Promise.resolve({ cwd: join(repository, ".."), args: [], environment: { GIT_DIR: "config.git" } }),
    ],
    [
      "a worktree of it",
      async (repository) => {
        const cwd = join(await temporaryFolder(), "tree");
        git(repository, "worktree", "add", "--quiet", "--detach", cwd, "main");
        return { cwd, args: [], environment: {} };
      },
    ],
  ])("stays where a git lives that works on it by %s", async (_, way) => {
    const { approval_id } = await submitAgent("catalog");
    const { cwd, args, environment } = await way(running.git);
    const held = await holdBranch(running.git, "main", { cwd, args, environment });
    utimesSync(held.lock, old, new Date());
    const waiting = await decideWith(approver, approval_id, "approve");
    expect(waiting.message).toContain(`Git holds the lock ${held.lock}`);
    expect(existsSync(held.lock)).toBe(true);
    await held.release();
    await running.changes.reconcile({ all: true });
  });
});

describe("what a power cut spoilt", () => {
  const again = () => startConsole({ database: running.database, config: { home: running.home } });
  beforeEach(async () => people(await startConsole()));

  it("is never taken for a first start: the default configuration replaces nothing", async () => {
    git(running.git, "pack-refs", "--all");
    truncateSync(join(running.git, "packed-refs"), 0);
    await expect(again()).rejects.toThrow(
      /The config repository is damaged .*refs\/heads\/main cannot be read/,
    );
    expect(git(running.git, "for-each-ref")).toBe("");
  });

  it("is said where it is one file, and no other gets its contents", async () => {
    const blob = git(running.git, "rev-parse", "main:policies/canary.yaml");
    const path = join(running.git, "objects", blob.slice(0, 2), blob.slice(2));
    chmodSync(path, 0o644);
    truncateSync(path, 0);
    const next = await again();
    const { checks } = await next.clientOf(author.token).call("getHealth");
    expect(JSON.stringify(checks)).toContain("The config repository is damaged (policies/canary.yaml");
  });

  it("is named where it is a branch, and mistaken for nobody's push", async () => {
    const { approval_id } = await submitAgent("catalog");
    const branch = branches(running.git).find((name) => name !== "main") ?? "";
    writeFileSync(join(running.git, "refs/heads", branch), "");
    const { message } = await decideWith(approver, approval_id, "reject");
    expect(message).not.toContain("by somebody else");
  });

  it("is mended where it is HEAD, whose contents nobody needs", async () => {
    truncateSync(join(running.git, "HEAD"), 0);
    const next = await again();
    expect(await next.clientOf(author.token).call("getConfiguration")).toMatchObject({ problems: [] });
  });
});

describe("the team's own repository", () => {
  let remote: string;
  beforeEach(async () => {
    const seed = await startConsole();
    remote = join(await temporaryFolder(), "remote.git");
    git(seed.home, "clone", "--quiet", "--bare", seed.git, remote);
    await people(await startConsole({ config: { configRepository: remote } }));
  });

  it("keeps a lock that somebody's git left: path and age are said, and the landing goes on once it is gone", async () => {
    const { approval_id, plan_id } = await submitAgent("catalog");
    const lock = join(remote, "refs/heads/main.lock");
    writeFileSync(lock, "");
    utimesSync(lock, new Date(), new Date("2026-01-02T03:04:05Z"));
    const waiting = await decideWith(approver, approval_id, "approve");
    expect(waiting).toMatchObject({ status: "in_progress" });
    expect(waiting.message).toMatch(
      /Git holds the lock \S+remote\.git\/\S*refs\/heads\/main\.lock, since 2026-01-02T03:04:05/,
    );
    expect(existsSync(lock)).toBe(true);
    rmSync(lock);
    await running.changes.reconcile({ all: true });
    expect(await changeOf(plan_id)).toMatchObject({ outcome: "applied" });
  });

  it("is mirrored by its base branch alone; locks that a killed fetch left are removed", async () => {
    git(remote, "branch", "somebody/elses", "main");
    const mirror = join(running.home, "mirror.git");
    const lock = join(mirror, "refs/remotes/origin/main.lock");
    await submitAgent("catalog");
    const clone = join(await temporaryFolder(), "clone");
    git(".", "clone", "--quiet", remote, clone);
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "outside");
    git(clone, "push", "--quiet", "origin", "main");
    mkdirSync(join(lock, ".."), { recursive: true });
    writeFileSync(lock, "");
    utimesSync(lock, new Date(), new Date(Date.now() - 60_000));
    const { commit } = await author.client.call("getConfiguration");
    expect(commit).toBe(git(remote, "rev-parse", "main"));
    expect(git(mirror, "for-each-ref", "--format=%(refname)", "refs/remotes")).toBe(
      "refs/remotes/origin/main",
    );
  });

  it.each([
    ["a folder without anything", (mirror: string) => rmSync(mirror, { recursive: true })],
    [
      "a configuration that was cut short",
      (mirror: string) => writeFileSync(join(mirror, "config"), "[core"),
    ],
    [
      "a branch that was cut off",
      (mirror: string) => truncateSync(join(mirror, "refs/remotes/origin/main"), 0),
    ],
    ["no HEAD", (mirror: string) => rmSync(join(mirror, "HEAD"))],
    ["objects that are gone", (mirror: string) => rmSync(join(mirror, "objects"), { recursive: true })],
  ])("is mirrored again where a crash left %s", async (_, spoil) => {
    await submitAgent("catalog");
    const mirror = join(running.home, "mirror.git");
    spoil(mirror);
    mkdirSync(mirror, { recursive: true });
    const again = await startConsole({
      database: running.database,
      config: { home: running.home, configRepository: remote },
    });
    const status = await again.clientOf(author.token).call("getConfiguration");
    expect(status.commit).toBe(git(remote, "rev-parse", "main"));
  });
});

describe("maintenance", () => {
  it("drops the throw-away commits of plans and packs the rest; what waits for approval stays", async () => {
    await people(await startConsole());
    const submitted = await submitAgent("kept");
    for (let count = 0; count < 40; count += 1) {
      await planWith(author, "add_agent", { agent_name: `never-${count}` });
    }
    const loose = (): number => Number(/^count: (\d+)$/m.exec(git(running.git, "count-objects", "-v"))?.[1]);
    expect(loose()).toBeGreaterThan(200);
    await maintain(openGit(running.git), new AbortController().signal, "now");
    expect(loose()).toBe(0);
    expect(git(running.git, "fsck", "--unreachable")).toBe("");
    expect(branches(running.git)).toEqual([submitted.branch, "main"]);
    expect(await decideWith(approver, submitted.approval_id, "approve")).toMatchObject({
      outcome: "applied",
    });
    expect(strayFiles(running.git)).toEqual([]);
  });
});

describe("the tip of a branch", () => {
  it("is git's own answer, however the branch is kept", async () => {
    const folder = join(await temporaryFolder(), "kept.git");
    const { git: path } = await startConsole();
    git(".", "clone", "--quiet", "--bare", path, folder);
    const repository = openGit(folder);
    const commit = git(folder, "rev-parse", "main");
    git(folder, "update-ref", "refs/heads/loose", commit);
    git(folder, "update-ref", "refs/heads/packed", commit);
    git(folder, "pack-refs", "--all");
    git(folder, "update-ref", "refs/heads/loose", git(folder, "commit-tree", "-m", "x", `${commit}^{tree}`));
    git(folder, "symbolic-ref", "refs/heads/symbolic", "refs/heads/loose");
    writeFileSync(join(folder, "refs/heads/torn"), commit.slice(0, 20));
    writeFileSync(join(folder, "refs/heads/empty"), "");
    for (const branch of ["loose", "packed", "symbolic", "torn", "empty", "none"] as const) {
      const ref = `refs/heads/${branch}` as const;
      expect(await tipOf(repository, ref), branch).toBe(await resolveRef(repository, ref));
    }
  });
});
