import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join } from "node:path";
import { shortName } from "../../lib/crypto.ts";
import { privateFolder } from "../../lib/files.ts";
import type { Git } from "../../lib/git.ts";
import { installation } from "../../lib/places.ts";
import type { Logger } from "../../lib/logger.ts";
import type { Sandbox } from "../../lib/sandbox.ts";
import { Checkout } from "./checkout.ts";
import { removeFolder } from "./sandbox/remove.ts";

export type WorkplaceDeps = {
  home: string;
  sandbox: Sandbox;
  /** What no program of a cycle sees. */
  hidden: readonly string[];
  /** The PATH of such programs. */
  path: string;
  logger: Pick<Logger, "error">;
};

const mostRemovals = 4;

/** Folders of programs below a home: the console's own, and those on the PATH with what lies beside them. */
const programsBelow = (home: string, path: string): string[] =>
  [
    installation,
    ...path
      .split(delimiter)
      .map((folder) => (/^\.?s?bin$/.test(basename(folder)) ? dirname(folder) : folder)),
  ].filter((folder) => folder.startsWith(`${home}/`) && existsSync(folder));

/** Where the checkouts of this node are: one folder each, deleted behind it, and all of them when the console starts. */
export class Workplace {
  readonly #deps: WorkplaceDeps;
  readonly #removals = new Set<Promise<void>>();

  constructor(deps: WorkplaceDeps) {
    this.#deps = deps;
  }

  get #root(): string {
    return join(this.#deps.home, "cycles", "work");
  }

  /**
   * Checks a commit out, for as long as the work takes. What people keep in their home on this machine is not there for it, but for
   * the programs that it may run; nor is the repository itself, of which it has a copy.
   */
  async with<T>(
    { git, repository }: { git: Git; repository: string },
    commit: string,
    work: (checkout: Checkout) => Promise<T>,
  ): Promise<T> {
    const { sandbox, path } = this.#deps;
    const home = homedir();
    const own = isAbsolute(repository) ? [repository] : [];
    const hidden = [...this.#deps.hidden, home, ...own];
    const shown = programsBelow(home, path);
    const folder = join(await privateFolder(this.#root), shortName(randomBytes(12), 12));
    const checkout = await Checkout.make({ from: git, sandbox, hidden, shown, path }, folder, commit);
    try {
      return await work(checkout);
    } finally {
      await this.#leave(checkout);
    }
  }

  /** Has a checkout deleted behind whoever goes on; not before few are left that are being deleted. */
  async #leave(checkout: Checkout): Promise<void> {
    const removal = checkout
      .remove()
      .catch((error: unknown) => {
        // It is tried again when the console starts.
        this.#deps.logger.error({ err: error }, "a checkout of a cycle could not be deleted");
      })
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
    if (this.#removals.size > mostRemovals) await Promise.race(this.#removals);
  }

  /** Resolves once all that was left is deleted. */
  async tidied(): Promise<void> {
    while (this.#removals.size > 0) await Promise.all(this.#removals);
  }

  /** A folder of its own for a socket, whose path has to be short. */
  async withDoor<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const folder = await privateFolder(
      join(this.#deps.home, "cycles", "doors", shortName(randomBytes(6), 6)),
    );
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Deletes what a console that was killed left behind. No other console works in this home. */
  async clear(): Promise<void> {
    for (const name of ["work", "doors"])
      await removeFolder(this.#deps.sandbox, join(this.#deps.home, "cycles", name));
  }
}
