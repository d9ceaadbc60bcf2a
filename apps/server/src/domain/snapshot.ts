import type {
  AgentFile,
  ApprovalsPolicy,
  PolicyFile,
  Reference,
  RegistryFile,
  Text,
  ToolLockFile,
} from "@ciclo/contract";

/** The version of the approval rules where a repository has none of its own. */
export const builtInVersion = "built-in";

/** One file of a commit. `blob` is git's id of its contents. */
export type SourceFile = { path: string; blob: string; source: string };

/** The configuration at one commit, parsed. Immutable: cached by commit id. */
export type Snapshot = {
  commit: string;
  name: string;
  agents: ReadonlyMap<string, AgentFile>;
  policies: ReadonlyMap<string, PolicyFile>;
  registry: RegistryFile;
  toolLock: ToolLockFile;
  /** Null when the policy is there but cannot be used: then nothing may be submitted or approved. */
  approvals: ApprovalsPolicy | null;
  /** Changes whenever the approval rules do. */
  approvalsVersion: string;
  files: ReadonlyMap<string, SourceFile>;
  /** Ids of policies that are there but cannot be used: what they would say is not known, so it is taken for no. */
  unusable: ReadonlySet<string>;
  /** Names of agents whose manifests are there but cannot be used. */
  unusableAgents: ReadonlySet<string>;
  /** Files that are not even read: what is wrong with each. They are among the problems. */
  leftOut: readonly { path: string; message: Text }[];
  /** Files that do not fit their schema; they are left out above. `path` is `file:line`. */
  problems: readonly { path: string; message: Text }[];
};

/** Search over a commit's documents, agents, policies and servers: the best `limit` for a query. */
export type SearchConfig = (snapshot: Snapshot, query: string, limit: number) => Reference[];
