import { fieldError, type LocalFieldError } from "../../errors.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { pathProblem } from "./paths.ts";
import { allowedLineProblems, registryProblems } from "./registry-check.ts";
import { findSecrets } from "./secrets.ts";

export type Checking = {
  repository: ConfigRepository;
  /** The snapshot as it would be with these files; null deletes. */
  overlay(snapshot: Snapshot, files: ReadonlyMap<string, string | null>): Snapshot;
  /** Whether a text holds an address of this console. */
  leadsHere(text: string): boolean;
};
/** What is wrong with the files of a plan: paths, links in the way, credentials, registry, and what would no longer be valid. */
export async function checkFiles(
  deps: Checking,
  snapshot: Snapshot,
  files: ReadonlyMap<string, string | null>,
): Promise<LocalFieldError[]> {
  const paths = [...files.keys()];
  const bad = paths.flatMap((path) => pathProblem(path) ?? []);
  if (bad.length > 0) return bad;
  const after = deps.overlay(snapshot, files);
  const loses = after.approvals === null && snapshot.approvals !== null;
  const links = await linksInTheWay(deps.repository, snapshot.commit, paths);
  return [
    ...(loses ? [approvalsLost()] : []),
    ...(links.length > 0 ? links : unreadNow(snapshot, files)),
    ...(await findSecrets(files)),
    ...registryProblems(snapshot, after, deps.leadsHere),
    ...allowedLineProblems(snapshot, after),
    ...after.problems.filter((problem) => files.has(problem.path.replace(/:\d+$/, ""))),
  ];
}

const approvalsLost = (): LocalFieldError =>
  fieldError(
    "policies/approvals.yaml",
    "must stay a valid policy of kind approvals",
    "deve continuar uma política válida do tipo approvals",
  );

/** A change of what cannot be read would write over it, and lose what it holds; it may be removed. */
const unreadNow = ({ leftOut }: Snapshot, files: ReadonlyMap<string, string | null>): LocalFieldError[] =>
  leftOut
    .filter(({ path }) => typeof files.get(path) === "string")
    .map(({ path, message }) =>
      fieldError(
        path,
        `cannot be read as it is (${message.en}): put it right in git first, or remove it`,
        `não pode ser lido como está (${message["pt-BR"]}): corrija-o antes no git ou remova-o`,
      ),
    );

/** Files that exist as anything but a plain file, or below a link or submodule. */
async function linksInTheWay(
  repository: ConfigRepository,
  commit: string,
  paths: string[],
): Promise<LocalFieldError[]> {
  const modes = await repository.modes(commit, paths.flatMap(prefixes));
  return paths.flatMap((path) => {
    const odd = prefixes(path).find((prefix) => ["120000", "160000"].includes(modes.get(prefix) ?? ""));
    if (odd === undefined && modes.get(path) !== "100755") return [];
    return [
      fieldError(
        path,
        `${odd ?? path} is a symbolic link, submodule or program; such files are not changed here`,
        `${odd ?? path} é um link simbólico, submódulo ou programa; esses arquivos não são alterados aqui`,
      ),
    ];
  });
}

const prefixes = (path: string): string[] =>
  path.split("/").map((_, index, segments) => segments.slice(0, index + 1).join("/"));
