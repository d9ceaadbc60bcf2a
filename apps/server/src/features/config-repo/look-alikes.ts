import { policyKinds } from "@ciclo/contract";

/** Names of files that are not those of the configuration, but were meant as one: `Policies/budget.yaml`, `mcp-registry.yml`. */

/** The file of the configuration that a path is, or is so like that it was meant as it; null for any other. Pure. */
export function meantAs(path: string): string | null {
  const [top = "", ...rest] = path.split("/");
  const name = rest.at(-1);
  if (name === undefined) return rootFiles.find(([form]) => form.test(plain(top)))?.[1] ?? null;
  if (/^(?:polic(?:y|ies|ys|ie|es)|politicas?)$/.test(plain(top))) {
    const id = policyIdOf(rest.join("/"));
    return id === null ? null : `policies/${id}.yaml`;
  }
  const isManifest =
    /^agente?s?$/.test(plain(top)) && rest.length > 1 && /^agente?s? (?:ya?ml|json)\b/.test(plain(name));
  return isManifest ? `agents/${rest.slice(0, -1).join("/").toLowerCase()}/agent.yaml` : null;
}

/** Whether something at the top of a repository is like what belongs there. Pure. */
export const isLikeOurs = (top: string): boolean =>
  meantAs(top) !== null || meantAs(`${top}/x/agent.yaml`) !== null;

const rootFiles: readonly [RegExp, string][] = [
  [/^ciclo (?:ya?ml|json)\b/, "ciclo.yaml"],
  [/^mcp (?:servers? )?registr(?:y|ies)(?: (?:ya?ml|json)\b.*)?$/, "mcp-registry.yaml"],
  [/^mcp tools? lock(?: json\b.*)?$/, "mcp-tools.lock.json"],
];

/** The words of a name, without case and signs. */
const plain = (name: string): string =>
  name
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[\s_.-]+/g, " ")
    .trim();

/** By its name, or by the kind whose name it is like: `Approvals.yaml`, `approval.yaml`, `approvals.yaml.bak`, `approvals.yaml/a.yaml`. */
function policyIdOf(name: string): string | null {
  const likeness = /^[^a-z]*([a-z]+)(?![a-z-])/.exec(name.normalize("NFKC").toLowerCase())?.[1] ?? "";
  const kind = policyKinds.find((each) => withoutPlural(each) === withoutPlural(likeness));
  return kind ?? /^(.+?)\.ya?ml(?![a-z0-9])/i.exec(name)?.[1] ?? null;
}

const withoutPlural = (word: string): string => word.replace(/s$/, "");
