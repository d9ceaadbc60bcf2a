import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type Analysis,
  type DeliveryPlan,
  type Execution,
  type ExecutorPolicy,
  type Text,
  text,
} from "@ciclo/contract";
import type { Cost, MeteredCall } from "../../../domain/usage.ts";
import { Refusal } from "../../../errors.ts";
import { type Git, hasCommit, isAncestor } from "../../../lib/git.ts";
import { orderOf } from "../artifacts/check.ts";
import type { Checkout } from "../checkout.ts";
import { type Answer, type Door, openDoor } from "../executor/door.ts";
import { startOf } from "../executor/presets.ts";
import { isMending, promptsFor } from "../executor/prompts.ts";
import { workWithAgent } from "../executor/session.ts";
import { Turns } from "../executor/turns.ts";
import { leaveOf, type PermissionDeps, voidPermissions } from "../permissions.ts";
import type { Repositories } from "../repositories.ts";
import { policyFile } from "../rules.ts";
import { bridged, bridgePort } from "../sandbox/bridge.ts";
import type { Limits } from "../sandbox/run.ts";
import type { Outcome, Stage, Turn } from "../stage.ts";
import type { StoredCycle } from "../store.ts";
import { asConventional } from "../conventional.ts";
import { commitsBetween, withConventionalCommits } from "../work-commit.ts";
import type { Workplace } from "../workplace.ts";
import { baseOf } from "./common.ts";

export type ExecuteDeps = PermissionDeps & {
  repositories: Repositories;
  workplace: Workplace;
  /** A token by which the calls of a cycle's agent are made for whoever asked for it, while the work goes on. */
  withRunToken<T>(
    of: { cycle: StoredCycle; agent: string; minutes: number },
    work: (token: string) => Promise<T>,
  ): Promise<T>;
  /** Has each call of a model that a run makes told, until what it returns is called. */
  listenToCalls(run: string, hear: (call: MeteredCall, cost: Cost) => void): () => void;
  /** What is behind the door of the sandbox: the endpoint of models, and the gateway. */
  answer: Answer;
  /** Finds a program on the PATH of the sandbox; null where it is not there. */
  findProgram(command: string): Promise<string | null>;
  /** The program that runs the bridge. */
  program: string;
};

const gitLimits: Limits = { timeoutMs: 120_000, outputBytes: 1_000_000, memoryBytes: 2e9, processes: 50 };
const mostOutputBytes = 1_000_000;

/** The Executor: an agent does the parts of the work, in a checkout of its own; what it committed is taken out. */
export function executeStage(deps: ExecuteDeps): Stage {
  return async (turn) => {
    const { cycle, policy } = turn;
    if (policy.executor === undefined) throw noExecutor();
    const { executor } = policy;
    const git = await deps.repositories.copyOf(cycle.repository);
    const from = await startingPoint(git, turn);
    const worked = await deps.workplace.with({ git, repository: cycle.repository }, from, (checkout) =>
      deps.workplace.withDoor((folder) =>
        deps.withRunToken(
          { cycle, agent: executor.agent, minutes: policy.limits.agent_minutes },
          async (token) => {
            const door = await openDoor(folder, { answer: deps.answer, token });
            try {
              return await atWork(deps, turn, { executor, checkout, door });
            } finally {
              await door.close();
            }
          },
        ),
      ),
    );
    return ended(git, turn, { from, ...worked });
  };
}

/** The commit that the agent starts from: its last one, or the base commit if there is none for the current plan. */
async function startingPoint(git: Git, { cycle, artifacts }: Turn): Promise<string> {
  const [execution, plan] = [artifacts.get("execution"), artifacts.get("plan")];
  const head = (execution?.content as Execution | undefined)?.head ?? null;
  const isOfPlan = execution !== undefined && plan !== undefined && execution.created_at >= plan.created_at;
  if (head === null || !isOfPlan) return baseOf(cycle);
  // What another node made is not here, and what does not stand on the base would take away what has come there.
  const isHere = (await hasCommit(git, head)) && (await isAncestor(git, baseOf(cycle), head));
  return isHere ? head : baseOf(cycle);
}

/** Parts of the current plan that were done when the agent broke off; none where the work begins, or is to be mended. */
function doneBefore({ artifacts }: Turn): string[] {
  const [execution, plan] = [artifacts.get("execution"), artifacts.get("plan")];
  const { broke_off: brokeOff = null, done = [] } = (execution?.content ?? {}) as Partial<Execution>;
  const isOfPlan = execution !== undefined && plan !== undefined && execution.created_at >= plan.created_at;
  return isOfPlan && brokeOff !== null ? done : [];
}

type AtWork = { executor: ExecutorPolicy; checkout: Checkout; door: Door };

async function atWork(deps: ExecuteDeps, turn: Turn, { executor, checkout, door }: AtWork) {
  const { cycle, policy, artifacts, signal } = turn;
  const url = `http://127.0.0.1:${bridgePort}`;
  const start = startOf(executor, { url, token: "of-the-sandbox" });
  const program = await deps.findProgram(start.command);
  if (program === null) throw noProgram(start.command);
  for (const [path, contents] of Object.entries(start.files)) {
    const at = join(checkout.home, path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, contents);
  }
  const plan = artifacts.get("plan")?.content as DeliveryPlan;
  const analysis = artifacts.get("analysis")?.content as Analysis;
  const all = orderOf(plan.work_breakdown.items) ?? [];
  const done = checkout.base === baseOf(cycle) ? [] : doneBefore(turn);
  const before = done.length;
  const items = all.filter(({ id }) => !done.includes(id));
  const { agent_minutes: minutes, memory_mb: memory, processes } = policy.limits;
  const { line, reads } = bridged(deps.program, door.path, { command: program, args: start.args });
  // Of an agent that a crash ended.
  await voidPermissions(deps, cycle.id);
  const started = await checkout.start(
    line,
    {
      timeoutMs: minutes * 60_000,
      outputBytes: mostOutputBytes,
      memoryBytes: memory * 1024 * 1024,
      processes,
    },
    { env: start.env, reads, signal },
  );
  const hasWork = checkout.base !== baseOf(cycle);
  const prompts = promptsFor({ cycle, analysis, plan, items, done, hasWork });
  const isByPart = !isMending({ cycle, done, hasWork });
  const turns = new Turns();
  const stopListening = deps.listenToCalls(cycle.id, (call, cost) => turns.hear(call, cost));
  const word = await workWithAgent(started, {
    cwd: checkout.tree,
    mcpServers: [{ name: "ciclo", url: `${url}/mcp` }],
    ...(start.mode === undefined ? {} : { mode: start.mode }),
    ...(start.signIn === undefined ? {} : { signIn: start.signIn }),
    leave: (asked) =>
      executor.permissions === "ask"
        ? leaveOf(deps, cycle.id, asked, { minutes: policy.limits.permission_minutes, signal })
        : Promise.resolve({ allowed: executor.permissions === "allow", by: null }),
    turns: prompts,
    async behindTurn(index, stopReason) {
      const item = isByPart ? items[index] : undefined;
      await commitLeft(checkout, cycle, item, executor.agent);
      turns.end(item?.id ?? null);
      // Some agents end their turn where a call was refused.
      if (item !== undefined && stopReason === "end_turn" && !door.isSpent()) done.push(item.id);
    },
    signal,
  }).finally(async () => {
    stopListening();
    await voidPermissions(deps, cycle.id);
  });
  const whole = isByPart && done.length === all.length;
  const broke = whole ? null : door.isSpent() ? isSpent(cycle.id) : word.broke;
  // A part that was broken off is done again: of it only what the agent committed itself is kept.
  if (broke !== null && done.length === 0) throw broke;
  const head = await checkout.takeOut(gitLimits);
  const { stderr } = await started.ended;
  return {
    word,
    head,
    stderr: stderr.bytes,
    turns: turns.all(),
    parts: { done, all: all.length, broke, before },
  };
}

/** Commits what an agent has left uncommitted behind a part of the work. Git runs within the sandbox: the folder is the agent's. */
async function commitLeft(
  checkout: Checkout,
  cycle: StoredCycle,
  item: { id: string; title: string } | undefined,
  agent: string,
): Promise<void> {
  const subject = item === undefined ? `fix: ${mended[cycle.locale]}` : `feat: ${item.title}`;
  const trailers = [`Cycle: ${cycle.id}`, ...(item === undefined ? [] : [`Work-Item: ${item.id}`])];
  const message = await asConventional(`${subject}\n\n${trailers.join("\n")}\n`, "feat");
  const who = ["user.name", agent, "user.email", `${agent}@agents.localhost`];
  const { code, stderr } = await checkout.run(
    'git add --all && { git diff --cached --quiet || git -c "$1=$2" -c "$3=$4" commit --quiet --no-verify --file=-; }',
    gitLimits,
    { env: {}, args: who, input: message },
  );
  if (code === 0) return;
  throw new Refusal(
    "upstream_failed",
    text(
      `What the agent left could not be committed: ${stderr.bytes.toString("utf8").slice(-500)}`,
      `O que o agente deixou não pôde ser registrado em commit: ${stderr.bytes.toString("utf8").slice(-500)}`,
    ),
  );
}

/** What an agent did for no part of the plan: gates or a person had found something. */
const mended = text("mend what was found", "corrigir o que foi achado");

type Ended = {
  from: string;
  head: string | null;
  word: Awaited<ReturnType<typeof workWithAgent>>;
  stderr: Buffer;
  turns: Execution["turns"];
  /** `before` of them were done when this run began. */
  parts: { done: string[]; all: number; broke: Refusal | null; before: number };
};

async function ended(
  git: Git,
  { cycle, policy }: Turn,
  { from, head, word, stderr, turns, parts: { done, all, broke, before } }: Ended,
): Promise<Outcome> {
  const tries = cycle.tries + 1;
  const made = head === null ? null : await withConventionalCommits(git, head, [from, baseOf(cycle)]);
  const work = made ?? (from === baseOf(cycle) ? null : from);
  // Kept from git's own tidying, until the cycle is over.
  if (work !== null) await git.run(["update-ref", `refs/cycles/${cycle.id}`, work]);
  const execution: Execution = {
    try: tries,
    base: baseOf(cycle),
    head: work,
    agent: word.agent,
    stop_reason: word.stopReason,
    done,
    broke_off: broke?.detail ?? null,
    claims: word.claims,
    commits: work === null ? [] : await commitsBetween(git, baseOf(cycle), work),
    permissions: word.permissions,
    turns,
  };
  const left = {
    artifacts: [{ kind: "execution" as const, content: execution, model: null, findings: [] }],
    evidence: stderr.length === 0 ? [] : [{ name: "agent.log", mediaType: "text/plain", bytes: stderr }],
    values: { tries, head_commit: work },
    metadata: { try: tries, stop_reason: word.stopReason, head: work },
  };
  if (broke !== null)
    return {
      to: "wait",
      waitsFor: "partial",
      isCapped: broke.code === "budget_exceeded",
      reason: brokeOff(broke.detail, done.length, all),
      // What a person said is for whoever goes on.
      ...(cycle.note === null ? {} : { note: cycle.note }),
      ...left,
      values: { head_commit: work },
    };
  // What the rest of the parts came to may need no commit of its own: the gates say whether anything is missing.
  if (head !== null || before > 0) return { to: "next", ...left };
  if (tries < policy.tries) return { to: "back", stage: "execute", note: changedNothing.en, ...left };
  return { to: "wait", waitsFor: "help", reason: changedNothing, ...left };
}

const changedNothing = text(
  "The agent ended its turn and changed nothing, whatever it says",
  "O agente encerrou seu turno e não mudou nada, diga o que disser",
);

const brokeOff = (why: Text, done: number, all: number): Text =>
  text(
    `${why.en} (Parts of the work that are done, and kept: ${done} of ${all}. Resumed, the cycle goes on with the rest)`,
    `${why["pt-BR"]} (Partes do trabalho prontas, e guardadas: ${done} de ${all}. Retomado, o ciclo continua com o resto)`,
  );

const isSpent = (id: string): Refusal =>
  new Refusal(
    "budget_exceeded",
    text(
      `A budget is used up, and the agent stopped. Raise it, or have the run ask another model (page Costs, run ${id}), then resume the cycle`,
      `Um orçamento se esgotou, e o agente parou. Aumente-o, ou faça a execução usar outro modelo (página Custos, execução ${id}), e retome o ciclo`,
    ),
  );

const noExecutor = (): Refusal =>
  new Refusal(
    "not_found",
    text(
      `${policyFile} names no executor: the agent that does the work, by a preset or a command. Plan one, then resume the cycle`,
      `${policyFile} não nomeia um executor: o agente que faz o trabalho, por um preset ou um comando. Planeje um e retome o ciclo`,
    ),
  );

const noProgram = (command: string): Refusal =>
  new Refusal(
    "not_found",
    text(
      `The agent ${command} is not installed where the console looks for programs. Install it, or have ${policyFile} name another, then resume the cycle`,
      `O agente ${command} não está instalado onde a console procura programas. Instale-o, ou faça ${policyFile} nomear outro, e retome o ciclo`,
    ),
  );
