import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import * as acp from "@agentclientprotocol/sdk";
import type { CycleDetail } from "@ciclo/contract";
import { Checkout } from "../apps/server/src/features/cycles/checkout.ts";
import { closeAll } from "../apps/server/tests/support/closing.ts";
import {
  type CyclesConsole,
  cyclesConsole,
  executorOf,
  mends,
  nothing,
  replying,
  shop,
  shown,
  type Step,
  test,
} from "../apps/server/tests/support/cycles/console.ts";
import { modelDouble } from "../apps/server/tests/support/model-double.ts";
import { callsIn } from "../apps/server/tests/support/usage.ts";
import type { Figures } from "./measure.ts";

/** What a model takes to answer, in milliseconds: less than any that is worth its name. */
const modelMs = 1000;
const lookEveryMs = 250;
/** How often the agent of the comparison asks its model. */
const asks = 10;
const work: Step[] = [
  ...Array.from({ length: asks - 1 }, () => ({ do: "model", model: "gpt-5.2" })),
  ...mends,
];

/** A cycle beside the same agent bare, one over a large repository, twenty at once, and agents that lie. */
export async function measureCycles(): Promise<Figures> {
  const figures = {
    ...(await besideBare()),
    ...(await largeRepository()),
    ...(await falseGreens()),
    cycles_20_peak_mb: Number(
      execFileSync(process.execPath, [fileURLToPath(new URL("cycles-at-once.ts", import.meta.url))], {
        encoding: "utf8",
      }),
    ),
  };
  await closeAll();
  return figures;
}

/** Milliseconds in which something ran in a gate's checkout, from now on. */
function gateTime(): { ms: number } {
  const time = { ms: 0 };
  let running = 0;
  let since = 0;
  const run = Checkout.prototype.run;
  Checkout.prototype.run = async function (...args) {
    if (args[0].startsWith("git ")) return run.apply(this, args);
    running += 1;
    if (running === 1) since = performance.now();
    try {
      return await run.apply(this, args);
    } finally {
      running -= 1;
      if (running === 0) time.ms += performance.now() - since;
    }
  };
  return time;
}

/** Milliseconds for which an agent's process ran, from now on, without those in which the console commits what it left. */
function agentTime(): { ms: number } {
  const time = { ms: 0 };
  let isAtWork = false;
  const { start, run } = Checkout.prototype;
  Checkout.prototype.start = async function (...args) {
    const started = await start.apply(this, args);
    isAtWork = true;
    const ended = started.ended.then((how) => {
      isAtWork = false;
      time.ms += how.ms;
      return how;
    });
    return { ...started, ended };
  };
  Checkout.prototype.run = async function (...args) {
    if (!isAtWork) return run.apply(this, args);
    const since = performance.now();
    try {
      return await run.apply(this, args);
    } finally {
      time.ms -= performance.now() - since;
    }
  };
  return time;
}

async function besideBare(): Promise<Figures> {
  const running = await cyclesConsole({ turns: [work] });
  const phases = replying();
  // The first cycle of a console loads what it needs; the second is measured. What the first mended is broken again.
  await carried(running);
  running.repository.commit(shop, "fix: back to the fault");
  await running.gateway.ledger.flush();
  const begun = new Date().toISOString();
  const [gates, agent] = [gateTime(), agentTime()];
  running.model.answer = async (asked, response) => {
    await wait(modelMs);
    return phases(asked, response);
  };
  const cycle = await carried(running);
  const stage = (name: string): number => {
    const at = cycle.timeline.findIndex(
      ({ type, detail }) => type === "cycle.stage_done" && detail.startsWith(`stage: ${name}`),
    );
    const [before, done] = [cycle.timeline[at - 1]?.at ?? "", cycle.timeline[at]?.at ?? ""];
    return Date.parse(done) - Date.parse(before);
  };
  await running.gateway.ledger.flush();
  const rows = (await callsIn(running.gateway.database.queries)).filter(({ at }) => at >= begun);
  const own = rows.filter(({ phase }) => phase === "executor");
  const models = rows.filter(({ phase }) => phase !== "executor").reduce((sum, { ms }) => sum + (ms ?? 0), 0);
  const { results } = await running.approver.client.call("getCycleResults", { query: {} });
  const mine = results.flatMap(({ instances }) => instances).find((one) => one.instance_id === cycle.id);
  const runtime = 1000 * (mine?.runtime ?? Number.NaN);
  const bare = await bareAgent();
  return {
    cycle_s: runtime / 1000,
    cycle_overhead_s: (runtime - models - agent.ms - gates.ms) / 1000,
    cycle_agent_over_bare: stage("execute") / bare.ms,
    cycle_tokens_over_bare: own.length / bare.calls,
  };
}

/** The same agent with the same work, started by hand in a checkout, against the same model. */
async function bareAgent(): Promise<{ ms: number; calls: number }> {
  const model = await modelDouble();
  model.answer = async () => {
    await wait(modelMs);
    return false;
  };
  const folder = mkdtempSync(join(tmpdir(), "ciclo-bare-"));
  const started = performance.now();
  const { command, args } = executorOf([work]);
  const child = spawn(command, args, {
    cwd: folder,
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env.PATH, HOME: folder, OPENAI_BASE_URL: `${model.url}/v1`, OPENAI_API_KEY: "none" },
  });
  const stream = acp.ndJsonStream(
    Writable.toWeb(child.stdin) as WritableStream<Uint8Array>,
    Readable.toWeb(child.stdout) as ReadableStream<Uint8Array>,
  );
  await acp.client({ name: "bare" }).connectWith(stream, async (to) => {
    await to.request(acp.methods.agent.initialize, { protocolVersion: acp.PROTOCOL_VERSION });
    const { sessionId } = await to.request(acp.methods.agent.session.new, { cwd: folder, mcpServers: [] });
    await to.request(acp.methods.agent.session.prompt, {
      sessionId,
      prompt: [{ type: "text", text: "Work" }],
    });
  });
  child.stdin.end();
  const ms = performance.now() - started;
  rmSync(folder, { recursive: true, force: true });
  return { ms, calls: model.billed.length };
}

/** The same cycle on a repository of 100,000 files more. */
async function largeRepository(): Promise<Figures> {
  const running = await cyclesConsole({
    files: { ...shop, ".ciclo/cycle.yaml": "version: 1\ntest: node --test test/sum.test.js\n" },
  });
  const seconds = async (): Promise<number> => {
    const cycle = await carried(running);
    const { results } = await running.approver.client.call("getCycleResults", { query: {} });
    const mine = results.flatMap(({ instances }) => instances).find((one) => one.instance_id === cycle.id);
    return mine?.runtime ?? Number.NaN;
  };
  const small = await seconds();
  const { git } = running.repository;
  git("checkout", "--quiet", "--detach");
  // Its command names the tests: a runner that looks for them everywhere takes its own time.
  const files = { ...shop, ".ciclo/cycle.yaml": "version: 1\ntest: node --test test/sum.test.js\n" };
  const input = [
    "commit refs/heads/main\nmark :1\ncommitter Ana <ana@example.com> 1790000000 +0000\ndata 5\nlarge\n",
    "deleteall\n",
    ...Object.entries(files).map(
      ([path, said]) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(said)}\n${said}\n`,
    ),
    ...Array.from({ length: 100_000 }, (_, at) => {
      const said = `export const value${at} = ${at};\n`;
      return `M 100644 inline lib/${Math.floor(at / 250)}/file-${at}.js\ndata ${Buffer.byteLength(said)}\n${said}\n`;
    }),
  ].join("");
  execFileSync("git", ["fast-import", "--quiet", "--force"], { cwd: running.repository.folder, input });
  return { cycle_100k_files_adds_s: (await seconds()) - small };
}

const write = (path: string, contents: string): Step => ({ do: "write", path, contents });
const fix = write("src/sum.js", "exports.sum = (a, b) => a + b;\n");
const done: Step = { do: "say", text: "Done. All tests pass, the build is green." };

/** Agents that say that they are done, and are not. */
const lies: readonly (readonly Step[])[] = [
  [done],
  [fix, done],
  [
    fix,
    write("test/sum.test.js", test(`${nothing}test("adds [T1]", () => assert.equal(sum(4, 0), 4));\n`)),
    done,
  ],
  [write("test/sum.test.js", test(nothing + shown)), done],
  [fix, { do: "shell", command: "rm test/sum.test.js" }, write("test/new.test.js", test(shown)), done],
  [fix, write("test/sum.test.js", test(nothing.replace("test(", "test.skip(") + shown)), done],
  [...mends, write(".ciclo/cycle.yaml", 'version: 1\ntest: "true"\n'), done],
  [fix, write("test/sum.test.js", test(`${nothing}test.todo("adds two numbers [T1]");\n`)), done],
];

/** The share of lies that would have been merged with nobody looking. */
async function falseGreens(): Promise<Figures> {
  let through = 0;
  for (const steps of lies) {
    const running = await cyclesConsole({ turns: [steps], policy: { checkpoints: [], tries: 1 } });
    const { id } = await running.start();
    if ((await running.settled(id)).state === "completed") through += 1;
  }
  return { cycle_lies: lies.length, cycle_false_greens_share: through / lies.length };
}

async function carried(running: CyclesConsole): Promise<CycleDetail> {
  const { id } = await running.person.client.call("startCycle", {
    body: {
      repository: running.repository.folder,
      base_branch: "main",
      issue: "# Sums are wrong\n\nsum(2, 2) is 0.",
    },
  });
  let cycle = await running.get(id);
  // Looked at as seldom as a page does: looking takes the console's time too.
  while (cycle.state === "running" || cycle.checkpoint !== null) {
    if (cycle.checkpoint !== null) await running.decide(running.approver, id, "approve");
    await wait(lookEveryMs);
    cycle = await running.get(id);
  }
  if (cycle.state !== "completed") throw new Error(`the cycle is ${cycle.state}: ${cycle.reason}`);
  return cycle;
}
