import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "@ciclo/contract";
import { Refusal } from "../../errors.ts";
import { checkOutShared, type Git, GitError, newSharedRepository } from "../../lib/git.ts";
import { Memo } from "../../lib/memo.ts";
import type { Sandbox, SandboxRules } from "../../lib/sandbox.ts";
import { bridged } from "./sandbox/bridge.ts";
import { removeFolder } from "./sandbox/remove.ts";
import {
  type Job,
  type Limits,
  type Ran,
  runInSandbox,
  type Started,
  startInSandbox,
} from "./sandbox/run.ts";

/** Where a checkout is made from, and what programs in it see. */
type Place = {
  from: Git;
  sandbox: Sandbox;
  /** Folders that are not there for them: the console's home; and those below that are there all the same, to read. */
  hidden: readonly string[];
  shown?: readonly string[];
  /** Their PATH. */
  path: string;
};

type More = Pick<Job, "env" | "signal" | "input" | "recorder"> & {
  /** Files of the console that it may read. */
  reads?: readonly string[];
  /** Of a command: `$1`, `$2`, … */
  args?: readonly string[];
  /** A socket of the console that a port of the sandbox leads to, and the program that sees to that. */
  through?: { node: string; socket: string };
};

/**
 * A commit of a repository in a folder of its own, for programs that may do there what they like: agents, builds, tests. They
 * see the objects of the repository and cannot change them, nothing of the console's home, and no network.
 */
export class Checkout {
  readonly #from: Git;
  readonly #sandbox: Sandbox;
  readonly #hidden: readonly string[];
  readonly #shown: readonly string[];
  /** The folder that holds `tree`, the work tree, and `home`, which programs get for theirs. */
  readonly #folder: string;
  readonly base: string;
  /** Where programs find others. */
  readonly path: string;

  private constructor(of: Place, folder: string, base: string) {
    this.#from = of.from;
    this.#sandbox = of.sandbox;
    this.#hidden = of.hidden;
    this.#shown = of.shown ?? [];
    this.#folder = folder;
    this.base = base;
    this.path = of.path;
  }

  /**
   * Checks `base` out below a folder that is not there yet. Throws a `Refusal` (`invalid_payload`) for commits that a checkout would not be whole of: submodules, LFS.
   */
  static async make(of: Place, folder: string, base: string): Promise<Checkout> {
    await refuseParts(of.from, base);
    await mkdir(join(folder, "home"), { recursive: true, mode: 0o700 });
    await checkOutShared(of.from, join(folder, "tree"), base);
    // Out of reach of what runs in the tree.
    await copyFile(join(folder, "tree", ".git", "index"), join(folder, "index"));
    return new Checkout(of, folder, base);
  }

  get tree(): string {
    return join(this.#folder, "tree");
  }

  /** What programs get for their home: they may leave files there that are no part of the work. */
  get home(): string {
    return join(this.#folder, "home");
  }

  /** Runs a command line in the work tree, within the sandbox. */
  run(
    command: string,
    limits: Limits,
    { reads = [], args = [], through, ...more }: More = { env: {} },
  ): Promise<Ran> {
    const shell = { command: "/bin/sh", args: ["-c", command, "sh", ...args] };
    const { line, reads: own } =
      through === undefined ? { line: shell, reads: [] } : bridged(through.node, through.socket, shell);
    const readable = [...this.#shown, this.#objects, ...reads, ...own];
    return this.#run(line, { ...this.#rules(), own: [this.home], readable }, limits, more);
  }

  /** Starts a program in the work tree, within the sandbox, for whoever talks to it. */
  start(line: Job["line"], limits: Limits, { env, signal, reads = [] }: More): Promise<Started> {
    const rules = { ...this.#rules(), own: [this.home], readable: [...this.#shown, this.#objects, ...reads] };
    return startInSandbox(this.#sandbox, {
      line,
      rules,
      limits,
      env: this.#environment(env),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /**
   * Takes the commits that a program made on top of the base into the repository that the checkout came from, and returns the
   * last of them; null where there are none. Git runs on them within the sandbox alone: what a program left behind there,
   * settings and hooks of its own among it, is not the console's to obey.
   */
  async takeOut(limits: Limits): Promise<string | null> {
    // Nothing is written any more: the folder is there to read.
    const rules: SandboxRules = { ...this.#rules(), folder: null, readable: [this.#folder, this.#objects] };
    const git = async (args: readonly string[], input = ""): Promise<Buffer> => {
      const line = { command: "git", args: ["-C", this.tree, ...args] };
      const most = { ...limits, outputBytes: 2 * mostPackBytes };
      const { code, ended, stdout, stderr } = await this.#run(line, rules, most, { env: {}, input });
      if (stdout.dropped > 0 || stdout.bytes.length > mostPackBytes)
        throw notTaken(`they come to more than ${mostPackBytes / 1024 / 1024} MB`);
      if (code !== 0) throw notTaken(ended ?? stderr.bytes.toString("utf8").trim());
      return stdout.bytes;
    };
    const head = (await git(["rev-parse", "--verify", "HEAD^{commit}"])).toString("utf8").trim();
    if (!/^[0-9a-f]{40,64}$/.test(head)) throw notTaken("HEAD");
    if (head === this.base) return null;
    const pack = await git(
      ["pack-objects", "--revs", "--stdout", "-q", "--thin"],
      `${head}\n^${this.base}\n`,
    );
    // What git would not take from anybody is no fault of the console.
    await this.#from
      .run(["index-pack", "--stdin", "--fix-thin", "--strict"], { input: pack, timeoutMs: limits.timeoutMs })
      .catch((error: unknown) => {
        throw error instanceof GitError ? notTaken(error.stderr) : error;
      });
    const { code } = await this.#from.run(["merge-base", "--is-ancestor", this.base, head], { accept: [1] });
    if (code !== 0) throw notTaken(`${head} does not follow ${this.base}`);
    return head;
  }

  /**
   * Makes it as it was when it was new, whatever ran in it: settings, hooks, branches and index of its repository are made again, files
   * are those of the base, and nothing else is left. Throws a `Refusal` (`upstream_failed`) where that does not succeed.
   */
  async reset(limits: Limits, signal: AbortSignal): Promise<void> {
    const more = { env: {}, signal };
    const dropped = await this.run(
      'find . "$HOME" -type d ! -perm -u+rwx -exec chmod u+rwx {} \\; ; find "$HOME" -mindepth 1 -delete && rm -rf .git',
      limits,
      more,
    );
    if (dropped.code === 0) {
      await newSharedRepository(this.#from, this.tree, this.base);
      await copyFile(join(this.#folder, "index"), join(this.tree, ".git", "index"));
    }
    const made = await this.run("git clean -ffdxq && git checkout --quiet --force HEAD -- .", limits, more);
    if (dropped.code !== 0 || made.code !== 0) throw notReset(dropped, made);
  }

  /** Deletes the folder. */
  async remove(): Promise<void> {
    await removeFolder(this.#sandbox, this.#folder);
  }

  get #objects(): string {
    return join(this.#from.folder, "objects");
  }

  #rules(): SandboxRules {
    return {
      folder: this.tree,
      writable: [],
      hidden: this.#hidden,
      readable: [this.#objects],
      network: "none",
    };
  }

  #environment(env: Job["env"]): Job["env"] {
    return { PATH: this.path, HOME: this.home, LANG: "C.UTF-8", ...env };
  }

  #run(
    line: Job["line"],
    rules: SandboxRules,
    limits: Limits,
    { env, signal, input = "", recorder }: Pick<Job, "env" | "signal" | "input" | "recorder">,
  ): Promise<Ran> {
    return runInSandbox(this.#sandbox, {
      line,
      rules,
      limits,
      env: this.#environment(env),
      input,
      ...(signal === undefined ? {} : { signal }),
      ...(recorder === undefined ? {} : { recorder }),
    });
  }
}

const notReset = (...ran: readonly Ran[]): Refusal => {
  const said = ran.map(({ ended, stderr }) => ended ?? stderr.bytes.toString("utf8").trim()).join(" ");
  return new Refusal(
    "upstream_failed",
    text(
      `What the tests left in their checkout cannot be cleared away: ${said.slice(-500)}`,
      `O que os testes deixaram no checkout não pode ser removido: ${said.slice(-500)}`,
    ),
  );
};

const mostPackBytes = 100 * 1024 * 1024;

const notTaken = (why: string): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      `The commits of the checkout cannot be taken out: ${why.slice(0, 500)}`,
      `Os commits do checkout não podem ser retirados: ${why.slice(0, 500)}`,
    ),
  );

/** Commits that were looked at: what one holds never changes. */
const looked = new Memo<string, Promise<void>>(1000);

/** Refuses a commit of which a checkout would leave something out, though its status is clean. */
export const refuseParts = (from: Git, base: string): Promise<void> =>
  looked.get(`${from.folder} ${base}`, () => lookForParts(from, base));

async function lookForParts(from: Git, base: string): Promise<void> {
  const listed = await from.text(["ls-tree", "-r", "-z", base]);
  const entries = listed.split("\0").filter((entry) => entry !== "");
  const submodule = entries.find((entry) => entry.startsWith("160000 "));
  if (submodule !== undefined)
    throw notWhole(
      text(
        `the submodule ${pathOf(submodule)} would be empty`,
        `o submódulo ${pathOf(submodule)} ficaria vazio`,
      ),
    );
  const attributes = entries.filter((entry) => /(?:\t|\/)\.gitattributes$/.test(entry));
  for (const entry of attributes) {
    const said = await from.text(["cat-file", "blob", entry.split(/[ \t]/, 3)[2] ?? ""]);
    if (/\bfilter=lfs\b/.test(said))
      throw notWhole(
        text(
          `files that ${pathOf(entry)} gives to Git LFS would be pointers`,
          `arquivos que ${pathOf(entry)} entrega ao Git LFS seriam ponteiros`,
        ),
      );
  }
}

const pathOf = (entry: string): string => entry.slice(entry.indexOf("\t") + 1);

const notWhole = (why: ReturnType<typeof text>): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      `The repository cannot be checked out whole: ${why.en}. A cycle needs all of its files`,
      `O repositório não pode ser obtido por inteiro: ${why["pt-BR"]}. Um ciclo precisa de todos os arquivos`,
    ),
  );
