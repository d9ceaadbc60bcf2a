import {
  type AgentFile,
  type ApprovalsPolicy,
  approvalsPolicySchema,
  type PolicyFile,
  type RegistryFile,
  text,
  type ToolLockFile,
} from "@ciclo/contract";
import type { LocalFieldError } from "../../errors.ts";
import { sha256 } from "../../lib/crypto.ts";
import { type CheckedFile, checkConfigFile } from "./config-file.ts";
import { meantAs } from "./look-alikes.ts";
import { builtInVersion, type Snapshot, type SourceFile } from "../../domain/snapshot.ts";

const approvalsPath = "policies/approvals.yaml";

/** What holds where a repository has no approvals policy. */
const builtInApprovals: ApprovalsPolicy = approvalsPolicySchema.parse({
  id: "approvals",
  kind: "approvals",
  title: "Built-in default",
  default: { required: 1 },
});

/** Builds a snapshot from the files of a commit. Pure; `check` may be a memo of `checkConfigFile`. */
export function buildSnapshot(
  commit: string,
  files: readonly SourceFile[],
  check: (file: SourceFile) => CheckedFile = (file) => checkConfigFile(file.path, file.source),
  leftOut: readonly LocalFieldError[] = [],
): Snapshot {
  const agents = new Map<string, AgentFile>();
  const policies = new Map<string, PolicyFile>();
  const problems: LocalFieldError[] = [...leftOut];
  let registry: RegistryFile = { servers: [] };
  let toolLock: ToolLockFile = { version: 1, servers: {} };
  let name = "Ciclo";
  for (const file of files) {
    const checked = check(file);
    if (!checked.ok) problems.push(...checked.errors);
    else if (checked.kind === "agent") add(agents, checked.value as AgentFile, (agent) => agent.name);
    else if (checked.kind === "policy") add(policies, checked.value as PolicyFile, (policy) => policy.id);
    else if (checked.kind === "registry") registry = checked.value as RegistryFile;
    else if (checked.kind === "tool_lock") toolLock = checked.value as ToolLockFile;
    else if (checked.kind === "ciclo") ({ name } = checked.value as { name: string });
  }
  const approvals = policies.get("approvals");
  const policyFile = files.find((file) => file.path === approvalsPath);
  const unused = [...policies.values()].filter(countsForNothing);
  problems.push(...unused.map(usedByKind));
  const unusable = new Set([
    ...problems.flatMap(({ path }) => unusableIds(path, policies)),
    ...unused.flatMap(({ kind }) => (policies.has(kind) ? [] : [kind])),
  ]);
  return {
    commit,
    name,
    agents,
    policies,
    registry,
    toolLock,
    approvals:
      approvals?.kind === "approvals"
        ? approvals
        : policyFile === undefined && !unusable.has("approvals")
          ? builtInApprovals
          : null,
    approvalsVersion: policyFile?.blob ?? builtInVersion,
    files: new Map(files.map((file) => [file.path, file])),
    unusable,
    unusableAgents: new Set(problems.flatMap(({ path }) => unusableAgent(path, agents))),
    leftOut,
    problems,
  };
}

/** Kinds of which a console has one, by the kind's own name. */
const single = new Set([
  "approvals",
  "access",
  "network",
  "commands",
  "canary",
  "retention",
  "models",
  "prices",
  "notify",
  "cost",
]);

/** A policy by another name of a kind of which one alone is asked would seem to hold, and does not. */
const countsForNothing = ({ id, kind }: PolicyFile): boolean => single.has(kind) && id !== kind;

const usedByKind = ({ id, kind }: PolicyFile): LocalFieldError => ({
  path: `policies/${id}.yaml`,
  message: text(
    `counts for nothing: the policy of kind ${kind} is policies/${kind}.yaml`,
    `não vale nada: a política do tipo ${kind} é policies/${kind}.yaml`,
  ),
});

/**
 * The policies that a file which counts for nothing may have been meant as, where no such policy is there. What it says must
 * not be replaced by a default that lets more through.
 */
function unusableIds(path: string, policies: ReadonlyMap<string, PolicyFile>): string[] {
  const meant = meantAs(path.replace(/:\d+$/, ""));
  const id = /^policies\/(.+)\.yaml$/.exec(meant ?? "")?.[1];
  return id === undefined || policies.has(id) ? [] : [id];
}

/** The agent whose manifest a file that counts for nothing may have been meant as, where no such agent is there. */
function unusableAgent(path: string, agents: ReadonlyMap<string, AgentFile>): string[] {
  const meant = meantAs(path.replace(/:\d+$/, ""));
  const name = /^agents\/([^/]+)\/agent\.yaml$/.exec(meant ?? "")?.[1];
  return name === undefined || agents.has(name) ? [] : [name];
}

const add = <T>(map: Map<string, T>, value: T, keyOf: (value: T) => string): void => {
  map.set(keyOf(value), value);
};

/** The snapshot as it would be with these files; null deletes. Pure. */
export function overlaySnapshot(snapshot: Snapshot, files: ReadonlyMap<string, string | null>): Snapshot {
  const kept = [...snapshot.files.values()].filter((file) => !files.has(file.path));
  const added = [...files].flatMap(([path, source]) =>
    source === null ? [] : [{ path, source, blob: sha256(source) }],
  );
  const leftOut = snapshot.leftOut.filter(({ path }) => !files.has(path));
  return buildSnapshot(snapshot.commit, [...kept, ...added], undefined, leftOut);
}
