import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { maintain } from "../src/features/config-repo/maintenance.ts";
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
async function holdBranch(repository: string, branch: string) {
  const tip = git(repository, "rev-parse", branch);
  const child = spawn("git", ["--git-dir", repository, "update-ref", "--stdin"], {
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
    ["no HEAD", (mirror: string) => rmSync(join(mirror, "HEAD"))],
    ["objects that are gone", (mirror: string) => rmSync(join(mirror, "objects"), { recursive: true })],
  ])("is mirrored anew where a crash left %s", async (_, spoil) => {
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
