import { isLikeOurs, meantAs } from "./look-alikes.ts";
import type { Snapshot, SourceFile } from "../../domain/snapshot.ts";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configFileKind, type Text, text } from "@ciclo/contract";
import { type LocalFieldError, Refusal } from "../../errors.ts";
import { type Git, GitError, GitLockError, initBare, openGit } from "../../lib/git.ts";
import { Memo } from "../../lib/memo.ts";
import { checkConfigFile } from "./config-file.ts";
import { defaultContent } from "./default-content.ts";
import { findLanding, previewRevert, tryLanding, tryRevert, withRaces } from "./landing.ts";
import { clearLeftovers } from "./leftovers.ts";
import { ownedGit } from "../../lib/owned-git.ts";
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
      snapshots.get(commit, async () => {
        const { files, leftOut } = await readConfig(git, commit);
        return buildSnapshot(commit, files, check, leftOut);
      }),
    readFile: (commit, path) => readOne(git, commit, path),
    modes: (commit, paths) => plumbing.modes(git, commit, paths),
    commit: (spec) => plumbing.writeCommit(git, spec),
    diff: (from, to) => plumbing.diffCommits(git, from, to),
    async touched(from, to, paths) {
      const changed = await plumbing.changedPaths(git, from, to);
      return [...paths].filter((path) => changed.has(path));
    },
    missing: (of, commits) => plumbing.missing(git, of, commits),
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

/** The files of a commit that say something, and what is wrong with those that cannot be read. */
async function readConfig(
  git: Git,
  commit: string,
): Promise<{ files: SourceFile[]; leftOut: LocalFieldError[] }> {
  const tops = await plumbing.topNames(git, commit);
  const alike = tops.filter((top) => !configPaths.includes(top) && isLikeOurs(top));
  const entries = await plumbing.listTree(git, commit, [...configPaths, ...alike]);
  const there = new Set(entries.map(({ path }) => path));
  const wanted = entries
    .filter(
      ({ path }) => configFileKind(path) !== null || path.endsWith(".md") || misnamed(path, there) !== null,
    )
    .toSorted((a, b) => Number(b.path.startsWith("policies/")) - Number(a.path.startsWith("policies/")));
  const leftOut = wanted.flatMap((entry, index) => unreadable(entry, index, there));
  const odd = new Set(leftOut.map(({ path }) => path));
  const read = await plumbing.readBlobs(
    git,
    wanted.filter(({ path }) => !odd.has(path)),
  );
  const files = read.flatMap(({ source, ...file }) => (source === null ? [] : [{ ...file, source }]));
  const garbled = read
    .filter(({ source }) => source === null)
    .map(({ path }) => ({ path, message: notUtf8 }));
  // Documents in another encoding are nobody's door.
  return { files, leftOut: [...leftOut, ...garbled].filter(({ path }) => !path.endsWith(".md")) };
}

/** `policies/network.yml` and `Policies/network.yaml` would count for nothing, and nobody would be told. */
function misnamed(path: string, there: ReadonlySet<string>): Text | null {
  if (configFileKind(path) !== null || path.endsWith(".md")) return null;
  if (path.startsWith("policies/")) return noPolicy;
  const meant = meantAs(path);
  if (meant === null) return null;
  return meant.startsWith("policies/") || !there.has(meant) ? callsItself(meant) : null;
}

function unreadable(
  { path, mode, size }: { path: string; mode: string; size: number },
  index: number,
  there: ReadonlySet<string>,
): LocalFieldError[] {
  const isBeyond = index >= maxConfigFiles ? tooMany : null;
  const message =
    mode === "100644"
      ? (misnamed(path, there) ?? (size > maxFileBytes ? tooLarge(size) : isBeyond))
      : notPlain(mode);
  return message === null ? [] : [{ path, message }];
}

const notPlain = (mode: string): Text =>
  mode === "120000"
    ? text(
        "is a symbolic link: put the file itself there",
        "é um link simbólico: coloque ali o próprio arquivo",
      )
    : mode === "100755"
      ? text(
          "is marked as a program: git update-index --chmod=-x",
          "está marcado como programa: git update-index --chmod=-x",
        )
      : text(`is no plain file (mode ${mode})`, `não é um arquivo comum (modo ${mode})`);
const callsItself = (meant: string): Text =>
  text(
    `counts for nothing, though its name is like ${meant}: rename it, or move it elsewhere`,
    `não vale nada, embora o nome pareça ${meant}: renomeie ou mova para outro lugar`,
  );
const noPolicy = text(
  "is no policy by its name: policies are policies/<id>.yaml",
  "não é uma política pelo nome: políticas são policies/<id>.yaml",
);
const tooLarge = (size: number): Text =>
  text(
    `takes ${size} bytes; the limit is ${maxFileBytes}`,
    `ocupa ${size} bytes; o limite é ${maxFileBytes}`,
  );
const tooMany = text(
  `is beyond the ${maxConfigFiles} files that are read`,
  `passa dos ${maxConfigFiles} arquivos que são lidos`,
);
const notUtf8 = text("is not UTF-8", "não é UTF-8");

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
