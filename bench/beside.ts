import { type ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type * as Repository from "../apps/server/src/features/config-repo/repository.ts";
import type * as Config from "../apps/server/tests/support/config.ts";
import type * as Provision from "../apps/server/tests/support/provision.ts";
import { type Asker, post } from "./asker.ts";
import { allHealthy, sequentially, startEcho } from "./gateway.ts";
import { processorMs } from "./load.ts";
import { type Figures, median } from "./measure.ts";
import type * as Server from "./server.ts";

const pairs = 6;
const warmUps = 2000;
const rounds = 8;
const callsARound = 400;

type Beside = { asker: Asker; child: ChildProcess; added: number[]; cpu: number };

/**
 * What the gateway adds to a call, in time and in processor time, over what that of another checkout adds: each is started
 * from its own sources, in front of one echo server, and asked by turns. One process of the same build takes up to a
 * tenth more than the next, so several pairs are measured. `checkout` has to be installed and built.
 */
export async function measureBeside(checkout: string): Promise<Figures> {
  const own = new URL("..", import.meta.url);
  const other = pathToFileURL(`${resolve(checkout)}/`);
  const found: Awaited<ReturnType<typeof measurePair>>[] = [];
  for (let pair = 0; pair < pairs; pair += 1) found.push(await measurePair(own, other, pair % 2 === 1));
  const sum = (of: (each: (typeof found)[number]) => number): number =>
    found.reduce((total, each) => total + of(each), 0);
  return {
    gateway_added_ms_now: sum(({ now }) => median(now.added)) / pairs,
    gateway_added_over_before:
      sum(({ now }) => median(now.added)) / sum(({ before }) => median(before.added)),
    gateway_cpu_ms_a_call_now: sum(({ now }) => now.cpu) / (pairs * rounds * callsARound),
    gateway_cpu_over_before: sum(({ now }) => now.cpu) / sum(({ before }) => before.cpu),
  };
}

async function measurePair(own: URL, other: URL, isOtherFirst: boolean) {
  const children: ChildProcess[] = [];
  try {
    const echo = await startEcho(children);
    const direct = post(`${echo}/mcp`, {});
    const first = await start(isOtherFirst ? other : own, echo, children);
    const second = await start(isOtherFirst ? own : other, echo, children);
    const [now, before] = isOtherFirst ? [second, first] : [first, second];
    await sequentially(direct, warmUps);
    for (const each of [first, second]) await sequentially(each.asker, warmUps);
    for (let round = 0; round < rounds; round += 1) {
      const base = median(await sequentially(direct, callsARound));
      for (const each of round % 2 === 0 ? [now, before] : [before, now]) {
        const from = processorMs(each.child);
        each.added.push(median(await sequentially(each.asker, callsARound)) - base);
        each.cpu += processorMs(each.child) - from;
      }
    }
    for (const each of [direct, now.asker, before.asker]) each.close();
    return { now, before };
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

/** A console of a checkout, in front of the echo server. Its own sources make its database and repository. */
async function start(root: URL, echo: string, children: ChildProcess[]): Promise<Beside> {
  const from = <T>(path: string): Promise<T> => import(new URL(path, root).href) as Promise<T>;
  const { openConfigRepository } = await from<typeof Repository>(
    "apps/server/src/features/config-repo/repository.ts",
  );
  const config = await from<typeof Config>("apps/server/tests/support/config.ts");
  const { provision } = await from<typeof Provision>("apps/server/tests/support/provision.ts");
  const { startAndAsk } = await from<typeof Server>("bench/server.ts");
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-beside-"));
  await openConfigRepository({ home, source: undefined, branch: "main" });
  config.pushFiles(join(home, "config.git"), {
    ...config.openPolicies(),
    ...config.newToolsAllowed,
    "policies/budget.yaml": "id: budget\nkind: budget\ntitle: Budget\nlimits: {}\non_exceeded: block\n",
    "mcp-registry.yaml": config.registryOf([
      { id: "echo", title: "echo", transport: "streamable_http", url: `${echo}/mcp` },
    ]),
  });
  const { planner: token = "" } = await provision({ CICLO_HOME: home }, { planner: ["planner"] });
  const { child, url } = await startAndAsk(home);
  children.push(child);
  await allHealthy(url, token, 1);
  const asker = post(`${url}/mcp/echo`, { authorization: `Bearer ${token}` });
  return { asker, child, added: [], cpu: 0 };
}
