import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { CycleWish } from "../../domain/cycle-wish.ts";
import type { ForgeConfig } from "../../domain/forge.ts";
import { forgeOrigin, projectAt } from "../../lib/forge/address.ts";

const isAddress = (said: string): boolean => /^(?:~?\/|[a-z+]+:\/\/|[\w.-]+@[\w.-]+:)/i.test(said);
const bare = (address: string): string => address.replace(/\/+$/, "").replace(/\.git$/i, "");

/**
 * The repositories that a name stands for: those of earlier cycles, and those that patterns of policy lead to. An address stands for
 * itself. Each once, whether written with `.git` or without.
 */
export async function repositoriesCalled(
  name: string,
  {
    patterns,
    known,
    matches,
  }: { patterns: readonly string[]; known: readonly string[]; matches(address: string): boolean },
): Promise<string[]> {
  if (isAddress(name)) return [name];
  const parts = bare(name).toLowerCase().split("/");
  const isCalled = (address: string): boolean => {
    const last = bare(address).toLowerCase().split(/[/:]/).slice(-parts.length);
    return last.join("/") === parts.join("/");
  };
  const led = await Promise.all(patterns.map((pattern) => behind(pattern, name)));
  const all = [...known, ...led.flat()].filter((address) => isCalled(address) && matches(address));
  return [...new Map(all.toReversed().map((address) => [bare(address), address])).values()].toReversed();
}

/** What a pattern such as `/srv/git/*` or `https://github.com/acme/**` has under a name. */
async function behind(pattern: string, name: string): Promise<string[]> {
  const isGlob = /[*?[\]{}]/;
  if (!isGlob.test(pattern)) return [pattern];
  const folder = /^(.+)\/\*{1,2}$/.exec(pattern)?.[1];
  if (folder === undefined || isGlob.test(folder)) return [];
  // "acme/shop" below https://github.com/acme is its shop.
  const [first = "", ...rest] = name.split("/");
  const isRepeated = rest.length > 0 && folder.toLowerCase().endsWith(`/${first.toLowerCase()}`);
  const below = isRepeated ? rest.join("/") : name;
  if (!folder.startsWith("/")) return [`${folder}/${below}`];
  const places = [join(folder, below), join(folder, `${below}.git`)];
  const there = await Promise.all(places.map(isFolder));
  return places.filter((_, index) => there[index]);
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Where people see an issue of a repository; null where no forge is known to have it. Pure. */
export function issueAddressOf(
  repository: string,
  number: number,
  forge: ForgeConfig | undefined,
): string | null {
  const hosts = [
    ...(forge === undefined ? [] : [forge]),
    { provider: "github" as const, url: undefined },
    { provider: "gitlab" as const, url: undefined },
  ];
  for (const host of hosts) {
    const project = projectAt(repository, host);
    if (project === null) continue;
    return `${forgeOrigin(host)}/${project}/${host.provider === "gitlab" ? "-/" : ""}issues/${number}`;
  }
  return null;
}

/** The issue as a new cycle takes it; null where there is none to be had. Pure. */
export function issueOf(
  issue: NonNullable<CycleWish["issue"]>,
  repository: string,
  forge: ForgeConfig | undefined,
): string | null {
  if ("address" in issue) return issue.address;
  return "words" in issue ? issue.words : issueAddressOf(repository, issue.number, forge);
}
