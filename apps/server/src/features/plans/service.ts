import {
  type Locale,
  type Plan,
  type Planned,
  type Preview,
  text,
  type ToolChange,
  type TypedRequest,
} from "@ciclo/contract";
import type { Queries, AuditedTransaction } from "../../db/dialect.ts";
import { fieldError, invalidPayload, type LocalFieldError, Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import type { ActiveRoles, Requirement } from "../../domain/approvals.ts";
import type { ConfigRepository } from "../../domain/config-repository.ts";
import type { SearchConfig, Snapshot } from "../../domain/snapshot.ts";
import type { Purge } from "../../domain/retention.ts";
import { type Clock, stamp } from "../../lib/clock.ts";
import { assemblePlan, parseRequest, planId, splitPatch } from "./assemble.ts";
import { type Draft, draftFiles } from "./draft.ts";
import { draftAddAgent } from "./intents/add-agent.ts";
import { draftEditPolicies } from "./intents/edit-policies.ts";
import { draftGenerateArtifact } from "./intents/generate-artifact.ts";
import { draftRemoveAgent } from "./intents/remove-agent.ts";
import {
  draftAcceptTools,
  draftEditServer,
  draftImportServers,
  draftOnboardServer,
  draftRemoveServer,
} from "./intents/servers.ts";
import { pathProblem } from "./paths.ts";
import { checkFiles, type Checking } from "./file-checks.ts";
import { findRisks } from "./risks.ts";
import { findSecretsInWords, wordsOf } from "./secrets.ts";
import { commandsOf, type Host } from "./server-risks.ts";
import * as store from "./store.ts";
import { hashesOf, toolChanges } from "./tool-changes.ts";
import { toolLockPath } from "./tool-lock.ts";
import type { PlanInput } from "../../domain/plans.ts";

export type PlansDeps = Checking & {
  queries: Queries;
  transaction: AuditedTransaction;
  clock: Clock;
  search: SearchConfig;
  requirementsFor(snapshot: Snapshot, paths: Iterable<string>): Requirement[];
  /** Whether a path is one that the patterns of an approval rule mean. */
  matchesAny(path: string, globs: readonly string[]): boolean;
  accessVerdict: Host["accessVerdict"];
  matchesName: Host["matchesName"];
  /** The roles of everybody who is active. */
  activeRoles(queries: Queries): Promise<ActiveRoles>;
  /** Whether a change of this plan id exists that has come to its end. */
  isSpent(planId: string): Promise<boolean>;
  /** The absolute path of a command on the console's host; null where there is none. */
  findProgram(command: string): Promise<string | null>;
  /** Why the policies of a configuration do not let a server be reached; null where they do. */
  policyProblem: Host["policyProblem"];
  /** Definitions of tools by their hashes, as far as they are known. */
  definitionsOf(hashes: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Which forge pull requests would go to, if any. */
  forgeProvider: "github" | "gitlab" | null;
};

export type PlansService = {
  plan(actor: Actor, input: PlanInput): Promise<Planned>;
  find(id: string): Promise<store.StoredPlan | undefined>;
  preview(plan: Plan, author: string): Preview;
  /** Why these files may not be written on this commit: paths, links, secrets, schemas. */
  check(snapshot: Snapshot, files: ReadonlyMap<string, string | null>): Promise<LocalFieldError[]>;
  /** How a plan changes the tools, in the form in which models see them. */
  toolChanges(plan: Plan): Promise<ToolChange[]>;
  /** Deletes plans that nobody submitted. */
  purge: Purge;
};

/** Author and date of the throw-away commit that a patch is read from. */
const draftCommit = {
  message: "plan\n",
  author: { name: "Ciclo", email: "ciclo@localhost" },
  at: "2000-01-01T00:00:00Z",
};
const maxAttempts = 100;

export function createPlansService(deps: PlansDeps): PlansService {
  const { repository } = deps;
  return {
    async plan(actor, input) {
      const request = parseRequest(input.intent, input.payload);
      const base = await repository.refresh();
      const snapshot = await repository.snapshot(base);
      const draft = await draftFor(repository, snapshot, request);
      const files = draftFiles(draft);
      if (files.size === 0) throw nothingToDo();
      const problems = await checkFiles(deps, snapshot, files);
      const errors = problems.length > 0 ? problems : await findSecretsInWords(wordsOf(request.payload));
      if (errors.length > 0) throw unusable(errors);
      const commit = await repository.commit({ ...draftCommit, base, files });
      const { patch } = await repository.diff(base, commit);
      if (patch === "") throw nothingToDo();
      const beside = splitPatch(patch).filter(({ path }) => !files.has(path));
      if (beside.length > 0) throw unusable(beside.map(({ path }) => inTheWay(path)));
      const after = deps.overlay(snapshot, files);
      const plan = assemblePlan({
        id: await freeId(deps, draft.name, request, { base, locale: input.locale }),
        request,
        draft,
        patch,
        risks: findRisks(snapshot, after, draft.overwrites ?? [], await hostOf(deps, after)),
        context: deps.search(snapshot, draft.searchFor, 5),
        requirements: deps.requirementsFor(snapshot, files.keys()),
        base: { branch: repository.baseBranch, commit: base },
        locale: input.locale,
      });
      const kept = await keepPlan(deps, actor, request, input.threadId, plan, patch);
      return {
        threadId: input.threadId ?? null,
        plan: kept.plan,
        diffs: kept.plan.diffs,
        patch: kept.patch,
        preview: preview(deps, kept.plan, actor.name),
      };
    },
    find: (id) => store.findPlan(deps.queries, id),
    preview: (plan, author) => preview(deps, plan, author),
    check: (snapshot, files) => checkFiles(deps, snapshot, files),
    toolChanges: (plan) => toolChangesOf(deps, plan),
    purge: (before, limit) => store.deleteUnsubmittedBefore(deps.queries, before, limit),
  };
}

async function toolChangesOf(
  { repository, overlay, definitionsOf }: PlansDeps,
  plan: Plan,
): Promise<ToolChange[]> {
  const files = draftFiles(plan);
  if (!files.has(toolLockPath) || !(await repository.hasCommit(plan.base_commit))) return [];
  const before = await repository.snapshot(plan.base_commit);
  const after = overlay(before, files);
  const definitions = await definitionsOf(hashesOf(before.toolLock, after.toolLock));
  return toolChanges(before.toolLock, after.toolLock, definitions);
}

async function hostOf(deps: PlansDeps, after: Snapshot): Promise<Host> {
  const { findProgram, policyProblem, requirementsFor, matchesAny, accessVerdict, matchesName } = deps;
  const commands = [...commandsOf(after)];
  const found = commands.map(async (command) => [command, await findProgram(command)] as const);
  return {
    people: await deps.activeRoles(deps.queries),
    programs: new Map(await Promise.all(found)),
    policyProblem,
    requirementsFor,
    matchesAny,
    accessVerdict,
    matchesName,
  };
}

async function draftFor(
  repository: ConfigRepository,
  snapshot: Snapshot,
  request: TypedRequest,
): Promise<Draft> {
  const rest = { snapshot, existing: null };
  switch (request.intent) {
    case "add_agent":
      return draftAddAgent({ payload: request.payload, ...rest });
    case "onboard_server":
      return draftOnboardServer({ payload: request.payload, ...rest });
    case "import_servers":
      return draftImportServers({ payload: request.payload, ...rest });
    case "edit_server":
      return draftEditServer({ payload: request.payload, ...rest });
    case "accept_tools":
      return draftAcceptTools({ payload: request.payload, ...rest });
    case "remove_server":
      return draftRemoveServer({ payload: request.payload, ...rest });
    case "edit_policies":
      return draftEditPolicies({ payload: request.payload, ...rest });
    case "remove_agent":
      return draftRemoveAgent({ payload: request.payload, ...rest });
    case "generate_artifact": {
      const { payload } = request;
      const problem = pathProblem(payload.target_path);
      if (problem !== null) throw invalidPayload([{ ...problem, path: "target_path" }]);
      const existing = await repository.readFile(snapshot.commit, payload.target_path);
      return draftGenerateArtifact({ payload, snapshot, existing });
    }
  }
}

const inTheWay = (path: string): LocalFieldError =>
  fieldError(
    path,
    "is in the way: a file and a folder cannot share a name",
    "está no caminho: arquivo e pasta não podem ter o mesmo nome",
  );

/** An id that no finished change has used, so that a rejected request can be planned again. */
async function freeId(
  deps: PlansDeps,
  name: string,
  request: TypedRequest,
  on: { base: string; locale: Locale },
): Promise<string> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const id = planId(name, request, { ...on, attempt });
    if (!(await deps.isSpent(id))) return id;
  }
  throw new Refusal(
    "already_decided",
    text(
      `This request was decided ${maxAttempts} times on this commit. Change something first.`,
      `Este pedido já foi decidido ${maxAttempts} vezes neste commit. Altere algo antes.`,
    ),
  );
}

/** Keeps the plan; one kept before under this id is the one that counts. */
async function keepPlan(
  deps: PlansDeps,
  actor: Actor,
  request: TypedRequest,
  threadId: string | undefined,
  plan: Plan,
  patch: string,
): Promise<{ plan: Plan; patch: string }> {
  return deps.transaction(async (queries, record) => {
    const row = {
      id: plan.id,
      thread_id: threadId ?? null,
      user_id: actor.id ?? actor.name,
      intent: plan.intent,
      payload: JSON.stringify(request.payload),
      plan,
      patch,
      created_at: stamp(deps.clock()),
    };
    const isNew = await store.insertPlan(queries, row);
    await record({
      actor,
      action: "plan.created",
      resource: `plan:${plan.id}`,
      status: "succeeded",
      planId: plan.id,
      metadata: { intent: plan.intent, base_commit: plan.base_commit, patch_sha256: plan.patch_sha256 },
    });
    return isNew ? row : ((await store.findPlan(queries, plan.id)) ?? row);
  });
}

function preview(deps: PlansDeps, plan: Plan, author: string): Preview {
  const message = `${plan.summary}\n\nPlan: ${plan.id}\nRequested-by: ${author}\n`;
  const body = [
    plan.summary,
    "",
    ...plan.risks.map((risk) => `- **${risk.impact}** ${risk.title}`),
    "",
    ...plan.approval_rules.map((rule) => `- ${rule}`),
    "",
    `Plan: \`${plan.id}\``,
  ].join("\n");
  return {
    branch: `ciclo/${plan.id}`,
    base_branch: plan.base_branch,
    commit_message: message,
    pull_request:
      deps.forgeProvider === null ? null : { provider: deps.forgeProvider, title: plan.summary, body },
  };
}

const unusable = (errors: LocalFieldError[]): Refusal =>
  new Refusal(
    "patch_rejected",
    text(
      `What was asked for would not be accepted: ${errors[0]?.path}: ${errors[0]?.message.en}`,
      `O que foi pedido não seria aceito: ${errors[0]?.path}: ${errors[0]?.message["pt-BR"]}`,
    ),
    { errors },
  );

const nothingToDo = (): Refusal =>
  invalidPayload([
    fieldError(
      "payload",
      "changes nothing: the configuration is like that already",
      "não altera nada: a configuração já está assim",
    ),
  ]);
