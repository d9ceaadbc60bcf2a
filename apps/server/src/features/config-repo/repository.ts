import type { Snapshot, SourceFile } from "../../domain/snapshot.ts";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configFileKind, text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { type Git, GitError, GitLockError, initBare, openGit } from "../../lib/git.ts";
import { Memo } from "../../lib/memo.ts";
import { checkConfigFile } from "./config-file.ts";
import { defaultContent } from "./default-content.ts";
import { findLanding, previewRevert, tryLanding, tryRevert, withRaces } from "./landing.ts";
import { clearLeftovers } from "./leftovers.ts";
import { ownedGit } from "./owned-git.ts";
import * as plumbing from "./plumbing.ts";
import { buildSnapshot } from "./snapshot.ts";
import { embeddedTarget, remoteTarget, type Target } from "./target.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";

export type RepositoryOptions = { home: string; source: string | undefined; branch: string };

const maxConfigFiles = 20_000;
const maxFileBytes = 1_000_000;
const configPaths = [
  "ciclo.yaml",
  "mcp-registry.yaml",
  "mcp-tools.lock.json",
  "agents",
  "policies",
  "docs",
  "README.md",
];

/** Opens the embedded repository, making it on first use, or the mirror of the team's own. */
export async function openConfigRepository(
  options: RepositoryOptions,
): Promise<{ repository: ConfigRepository; git: Git }> {
  const { git, target } =
    options.source === undefined
      ? await openEmbedded(options)
      : await openMirror({ ...options, source: options.source });
  return { repository: createRepository(git, target, options.branch), git };
}

function createRepository(git: Git, target: Target, baseBranch: string): ConfigRepository {
  const snapshots = new Memo<string, Promise<Snapshot>>(16);
  const checked = new Memo<string, ReturnType<typeof checkConfigFile>>(20_000);
  const check = (file: SourceFile) =>
    checked.get(`${file.blob} ${file.path}`, () => checkConfigFile(file.path, file.source));
  const refresh = async (): Promise<string> => {
    await target.refresh();
    const commit = await plumbing.tipOf(git, target.baseRef);
    if (commit === null) throw noBase(baseBranch);
    return commit;
  };
  // A mirror that is new has seen nothing yet.
  const head = async (): Promise<string> => (await plumbing.tipOf(git, target.baseRef)) ?? (await refresh());
  // A commit that another node made, and that is not on the base branch, is not in this node's mirror.
  const landedAs = async (commit: string): Promise<string | null> =>
    (await plumbing.resolveRef(git, commit)) === null ? null : findLanding(git, target.baseRef, commit);
  return {
    baseBranch,
    lookEveryMs: target.lookEveryMs,
    head,
    refresh,
    landedAs,
    snapshot: (commit) =>
      snapshots.get(commit, async () => buildSnapshot(commit, await readConfig(git, commit), check)),
    readFile: (commit, path) => readOne(git, commit, path),
    modes: (commit, paths) => plumbing.modes(git, commit, paths),
    commit: (spec) => plumbing.writeCommit(git, spec),
    diff: (from, to) => plumbing.diffCommits(git, from, to),
    async touched(from, to, paths) {
      const changed = await plumbing.changedPaths(git, from, to);
      return [...paths].filter((path) => changed.has(path));
    },
    hasCommit: async (commit) => (await plumbing.resolveRef(git, commit)) !== null,
    createBranch: (branch, commit) => target.createBranch(branch, commit),
    deleteBranch: (branch, commit) => target.deleteBranch(branch, commit),
    branchTip: (branch) => target.branchTip(branch),
    land: (landing) => withRaces(() => tryLanding(git, target, refresh, landing)),
    revert: (landed, spec) => withRaces(() => tryRevert(git, target, refresh, landed, spec)),
    previewRevert: async (landed, brokenBy) => previewRevert(git, await refresh(), landed, brokenBy),
    explainPatch: (base, patch) => explainPatch(git, base, patch),
  };
}

async function openEmbedded(options: RepositoryOptions): Promise<{ git: Git; target: Target }> {
  const git = await openOwned(join(options.home, "config.git"), options.branch);
  const target = embeddedTarget(git, options.branch);
  const begun = join(git.folder, "ciclo-begun");
  if ((await plumbing.resolveRef(git, target.baseRef)) !== null) {
    if (!existsSync(begun)) await writeFile(begun, "");
  } else if (existsSync(begun)) {
    // It once had its branch: what stands for it now is damage, and must not become the default configuration.
    throw plumbing.damaged(`${git.folder}: ${target.baseRef} cannot be read`);
  } else {
    const first = await plumbing.writeCommit(git, {
      base: null,
      files: defaultContent,
      message: "Start with the default configuration\n",
      author: plumbing.committer,
      at: new Date().toISOString(),
    });
    if (!(await plumbing.moveRefs(git, [{ ref: target.baseRef, from: null, to: first }]))) {
      throw plumbing.damaged(`${git.folder}: ${target.baseRef} cannot be read`);
    }
    await writeFile(begun, "");
  }
  return { git, target };
}

async function openMirror(
  options: RepositoryOptions & { source: string },
): Promise<{ git: Git; target: Target }> {
  const folder = join(options.home, "mirror.git");
  const target = (git: Git): Target => remoteTarget(git, options.branch);
  const open = async (): Promise<Git> => {
    const git = await openOwned(folder, options.branch);
    await git.run(["config", "remote.origin.url", options.source]);
    return git;
  };
  let git: Git | null = null;
  try {
    git = await open();
    await checkMirror(git, target(git).baseRef);
  } catch (error) {
    // Nothing is in a mirror that is not elsewhere too: what a crash spoilt is made again.
    const isSpoilt = error instanceof GitError || error instanceof plumbing.Damaged;
    if (!isSpoilt || error instanceof GitLockError) throw error;
    await rm(folder, { recursive: true, force: true });
    git = await open();
  }
  return { git, target: target(git) };
}

/** Git on a repository of the console's own, made if need be, without what a crash left in it. */
async function openOwned(folder: string, branch: string): Promise<Git> {
  if (existsSync(folder)) {
    await clearLeftovers(folder);
    await mendHead(folder, branch);
    const git = openGit(folder);
    const { code } = await git.run(["rev-parse", "--is-bare-repository"], { accept: [128] });
    if (code === 0) return ownedGit(git);
  }
  // Also where making it was cut off.
  return ownedGit(await initBare(folder, branch));
}

/** Git takes a folder whose HEAD was cut off for no repository at all. What HEAD says matters to nobody here. */
async function mendHead(folder: string, branch: string): Promise<void> {
  const head = join(folder, "HEAD");
  if (existsSync(head) && (await readFile(head, "utf8")).trim() === "") {
    await writeFile(head, `ref: refs/heads/${branch}\n`);
  }
}

/** Throws `GitError` or `Damaged` where what is needed of the mirror cannot be read. Drops other branches that it once fetched. */
async function checkMirror(git: Git, baseRef: string): Promise<void> {
  const listed = await git.text(["for-each-ref", "--format=%(refname)", "refs/remotes/origin/"]);
  const refs = listed.split("\n").filter((ref) => ref !== "");
  // A ref that was cut off is listed by nothing, and in the way of everything.
  if (!refs.includes(baseRef) && existsSync(join(git.folder, baseRef))) throw plumbing.damaged(baseRef);
  if (refs.includes(baseRef)) await readConfig(git, baseRef);
  const input = refs.filter((ref) => ref !== baseRef).map((ref) => `delete ${ref}\n`);
  if (input.length > 0) await git.run(["update-ref", "--stdin"], { input: input.join("") });
}

async function readConfig(git: Git, commit: string): Promise<SourceFile[]> {
  const entries = await plumbing.listTree(git, commit, configPaths);
  const wanted = entries
    .filter(({ path, mode }) => mode === "100644" && (configFileKind(path) !== null || path.endsWith(".md")))
    .filter(({ size }) => size <= maxFileBytes)
    .toSorted((a, b) => Number(b.path.startsWith("policies/")) - Number(a.path.startsWith("policies/")))
    .slice(0, maxConfigFiles);
  const files = (await plumbing.readBlobs(git, wanted)).filter((file) => file.source !== null);
  const read = new Set(files.map(({ path }) => path));
  // Present but of no use (a link, a program, too large, not text): kept as empty, so that it fails its schema.
  const useless = entries.filter(({ path }) => configFileKind(path) !== null && !read.has(path));
  return [
    ...files,
    ...useless.slice(0, maxConfigFiles).map(({ path, blob }) => ({ path, blob, source: "" })),
  ];
}

async function readOne(git: Git, commit: string, path: string): Promise<string | null> {
  const { code, stdout } = await git.run(["rev-parse", "--verify", "--quiet", `${commit}:${path}`], {
    accept: [1, 128],
  });
  if (code !== 0) return null;
  const [file] = await plumbing.readBlobs(git, [{ path, blob: stdout.toString().trim() }]);
  return file?.source ?? null;
}

async function explainPatch(git: Git, base: string, patch: string): Promise<string | null> {
  const index = join(git.folder, `ciclo-check-${process.pid}-${Date.now()}.index`);
  try {
    await git.run(["read-tree", base], { env: { GIT_INDEX_FILE: index } });
    const checked = await git.run(["apply", "--cached", "--check", "-"], {
      input: patch,
      env: { GIT_INDEX_FILE: index },
      accept: [1, 128],
    });
    return checked.code === 0 ? null : checked.stderr.trim();
  } finally {
    await rm(index, { force: true });
  }
}

const noBase = (branch: string): Refusal =>
  new Refusal(
    "repository_unavailable",
    text(
      `The config repository has no branch ${branch}. Push one, or set CICLO_CONFIG_BRANCH.`,
      `O repositório de configuração não tem a branch ${branch}. Faça push dela ou ajuste CICLO_CONFIG_BRANCH.`,
    ),
  );
