import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Analysis, CycleDetail, DeliveryPlan, Documentation } from "@ciclo/contract";
import { stringify } from "yaml";
import type { Config } from "../../../src/config.ts";
import type { Database } from "../../../src/db/dialect.ts";
import { ensureBubblewrap } from "../bubblewrap.ts";
import { whenFileEnds } from "../closing.ts";
import type { Person } from "../console.ts";
import { eventually } from "../eventually.ts";
import { type Answering, send } from "../model-double.ts";
import { endpointOf } from "../model-endpoint.ts";
import { repositoryWith, type TestRepository } from "../repository.ts";
import { analysis, documentation, plan } from "./artifacts.ts";

const agent = fileURLToPath(new URL("agent.mjs", import.meta.url));

export type Step = { do: string } & Record<string, unknown>;
const encoded = (turns: readonly (readonly Step[])[]): string =>
  Buffer.from(JSON.stringify(turns)).toString("base64");

export const test = (body: string): string =>
  `const { test } = require("node:test");\nconst assert = require("node:assert");\nconst { sum } = require("../src/sum.js");\n${body}`;
export const nothing = 'test("adds nothing", () => assert.equal(sum(2, 0), 2));\n';
export const shown = 'test("adds two numbers [T1]", () => assert.equal(sum(2, 2), 4));\n';

/** A shop whose sums are wrong, with a test that does not notice. */
export const shop = {
  "src/sum.js": "exports.sum = (a, b) => a - b;\n",
  "test/sum.test.js": test(nothing),
  "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-01\n\n### Added\n\n- Sums.\n",
  ".ciclo/cycle.yaml": "version: 1\ntest: node --test\n",
};

/** What a good agent does: it asks its model, mends the fault, and writes the test. */
export const mends: Step[] = [
  { do: "model", model: "gpt-5.2" },
  { do: "write", path: "src/sum.js", contents: "exports.sum = (a, b) => a + b;\n" },
  { do: "write", path: "test/sum.test.js", contents: test(nothing + shown) },
  { do: "say", text: "All done, all green." },
];

type Replies = { analyzer: Analysis[]; planner: DeliveryPlan[]; doc: Documentation[] };

/** A model that answers each phase with what is at hand for it, one after the other; the last goes on. */
export function replying(own: Partial<Replies> = {}): Answering {
  const replies: Replies = { analyzer: [analysis], planner: [plan], doc: [documentation], ...own };
  const asked = { analyzer: 0, planner: 0, doc: 0 };
  return ({ body }, response) => {
    const said = JSON.stringify(body["messages"] ?? []);
    const phase = said.includes("You are the analyst")
      ? "analyzer"
      : said.includes("You are the planner")
        ? "planner"
        : said.includes("You write what readers")
          ? "doc"
          : null;
    if (phase === null) return false;
    const list: readonly unknown[] = replies[phase];
    const content = JSON.stringify(list[Math.min(asked[phase], list.length - 1)]);
    asked[phase] += 1;
    const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
    send(response, {
      id: `chatcmpl-${phase}-${asked[phase]}`.padEnd(30, "0"),
      model: "gpt-5.2",
      choices,
      usage: { prompt_tokens: 1000, completion_tokens: 100 },
    });
    return true;
  };
}

export const policies = (more: Record<string, unknown> = {}): Record<string, string> => ({
  "policies/cost.yaml": stringify({
    id: "cost",
    kind: "cost",
    title: "Cost",
    defaults: { provider: "openai", model: "gpt-5.2", max_tokens: 60_000, timeout_s: 20, max_cost_usd: 2 },
  }),
  "policies/cycles.yaml": stringify({
    id: "cycles",
    kind: "cycles",
    title: "Cycles",
    repositories: ["/**"],
    // What is no subject of a test should not take its time.
    limits: { mutants: 0 },
    ...more,
  }),
});

export const executorOf = (turns: readonly (readonly Step[])[]) => ({
  command: process.execPath,
  args: [agent, encoded(turns)],
  agent: "scripted",
});

/** A console with a repository to work on, a scripted agent, and a model for the other phases. */
export async function cyclesConsole({
  turns = [mends],
  policy = {},
  replies = {},
  files = shop,
  config = {},
  database,
  patienceMs = 150_000,
}: {
  turns?: readonly (readonly Step[])[];
  policy?: Record<string, unknown>;
  replies?: Partial<Replies>;
  files?: Readonly<Record<string, string>>;
  config?: Partial<Config>;
  database?: Database;
  /** How long a cycle may take from one halt to the next. */
  patienceMs?: number;
} = {}) {
  ensureBubblewrap();
  const repository = await repositoryWith(files);
  const { gateway, model, person, approver } = await endpointOf(
    policies({ executor: executorOf(turns), ...policy }),
    config,
    [],
    database,
  );
  model.answer = replying(replies);
  const { workers } = gateway.features.cycles;
  await workers.start();
  whenFileEnds(() => workers.stop());
  const get = (id: string): Promise<CycleDetail> => approver.client.call("getCycle", { params: { id } });
  return {
    gateway,
    model,
    person,
    approver,
    repository,
    get,
    start: (issue = "# Sums are wrong\n\nsum(2, 2) is 0.") =>
      person.client.call("startCycle", { body: { repository: repository.folder, issue } }),
    /** Has another agent do the work from now on. */
    withAgent: (other: readonly (readonly Step[])[], more: Record<string, unknown> = {}) =>
      gateway.push(policies({ ...policy, executor: { ...executorOf(other), ...more } })),
    /** The cycle once it has come to a stage. */
    at: (id: string, stage: CycleDetail["stage"]) =>
      eventually(
        () => get(id),
        (cycle) => cycle.stage === stage,
        60_000,
      ),
    isRunning,
    whenRunning: (line: string) =>
      eventually(
        () => Promise.resolve(isRunning(line)),
        (is) => is,
        60_000,
      ),
    /** The cycle once nothing goes on of it. */
    settled: (id: string) =>
      eventually(
        () => get(id),
        ({ state }) => state !== "running",
        patienceMs,
      ),
    decide: async (
      who: Person,
      id: string,
      decision: "approve" | "reject" | "send_back",
      comment = "Please look again",
    ) => {
      const { checkpoint } = await get(id);
      return who.client.call("decideCycle", {
        params: { id },
        body: { decision, subject: checkpoint?.subject ?? "0".repeat(64), comment },
      });
    },
  };
}

/** Whether a program with these arguments runs on the machine. */
export const isRunning = (line: string): boolean =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() === line;
      } catch {
        // It has ended meanwhile.
        return false;
      }
    });

export type CyclesConsole = Awaited<ReturnType<typeof cyclesConsole>>;

/** Has a cycle approved at each checkpoint up to its end. */
export async function carriedThrough(console: CyclesConsole, id: string): Promise<CycleDetail> {
  for (let at = 0; at < 10; at += 1) {
    const cycle = await console.settled(id);
    if (cycle.checkpoint === null) return cycle;
    await console.decide(console.approver, id, "approve");
  }
  throw new Error(`the cycle ${id} comes to no end`);
}

export const headOf = ({ git }: TestRepository, branch = "main"): string => git("rev-parse", branch);
