import {
  type AgentFile,
  type ApprovalsPolicy,
  approvalsPolicySchema,
  type PolicyFile,
  policyKinds,
  type RegistryFile,
  text,
  type ToolLockFile,
} from "@ciclo/contract";
import type { LocalFieldError } from "../../errors.ts";
import { sha256 } from "../../lib/crypto.ts";
import { type CheckedFile, checkConfigFile } from "./config-file.ts";
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
  const unusable = new Set(problems.flatMap(({ path }) => unusableIds(path, policies)));
  problems.push(...[...policies.values()].flatMap((policy) => countsForNothing(policy)));
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
    leftOut,
    problems,
  };
}

/** Kinds of which a console has one, by the kind's own name. */
const single = new Set(["approvals", "access", "network", "commands", "canary", "retention"]);

/** A second policy of a kind of which the first alone is asked would seem to hold, and does not. */
function countsForNothing({ id, kind }: PolicyFile): LocalFieldError[] {
  if (!single.has(kind) || id === kind) return [];
  return [
    {
      path: `policies/${id}.yaml`,
      message: text(
        `counts for nothing: the policy of kind ${kind} is policies/${kind}.yaml`,
        `não vale nada: a política do tipo ${kind} é policies/${kind}.yaml`,
      ),
    },
  ];
}

/**
 * The policies that a file which counts for nothing may have been meant as: by its name, and, where no such policy is there, by
 * what its name is like (`Approvals.yaml`, `approvals.yaml.bak`, `approvals.yaml/a.yaml`). What it says must not be
 * replaced by a default that lets more through.
 */
function unusableIds(path: string, policies: ReadonlyMap<string, PolicyFile>): string[] {
  const name = /^policies\/(.+?)(?::\d+)?$/.exec(path)?.[1];
  if (name === undefined) return [];
  const stem = /^(.+?)\.ya?ml(?![a-z0-9])/i.exec(name)?.[1];
  const likeness = /^[^a-z]*([a-z]+)(?![a-z-])/.exec(name.toLowerCase())?.[1];
  const kind = policyKinds.find((each) => each === likeness);
  const id = kind ?? stem;
  return id === undefined || policies.has(id) ? [] : [id];
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
