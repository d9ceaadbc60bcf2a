import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createClient } from "@ciclo/contract";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startConsole } from "../support/console.ts";
import { eventually } from "../support/eventually.ts";
import { git } from "../support/git.ts";
import { createPostgresServer, type PostgresServer } from "../support/postgres-server.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { provision, verifyAudit } from "../support/provision.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { comeToRest, expectClean, outcomeOf } from "./outcome.ts";
import { report } from "./report.ts";
import { isEverything } from "../support/extent.ts";
import { Workload } from "./workload.ts";

const nodes = 3;
/** Acknowledged steps between two blows. */
const pace = 6;

/** What a node answers while PostgreSQL is away, path by path. */
const asked = ["/readyz", "/api/v1/changes", "/mcp"] as const;

/** So many changes may take, on a machine that runs other tests beside. */
const workMs = 300_000;

describe("PostgreSQL comes and goes under three nodes at work", () => {
  let postgres: PostgresServer;
  let consoles: ServerProcess[];
  let environment: Record<string, string>;
  let tokens: Record<string, string>;
  let remote: string;

  beforeAll(async () => {
    postgres = await createPostgresServer();
    await postgres.start();
    const admin = new pg.Client(`${postgres.url}postgres`);
    await admin.connect();
    await admin.query("create database campaign");
    await admin.end();
    const seed = await startConsole();
    remote = join(await temporaryFolder(), "remote.git");
    git(seed.home, "clone", "--quiet", "--bare", seed.git, remote);
    environment = {
      CICLO_DATABASE_URL: `${postgres.url}campaign`,
      CICLO_CONFIG_REPO: remote,
      CICLO_MASTER_KEY: randomBytes(32).toString("hex"),
      // What is neither a refusal nor known is logged as an error.
      CICLO_LOG_LEVEL: "error",
    };
    tokens = await provision(
      { ...environment, CICLO_HOME: await temporaryFolder() },
      { author: ["planner"], approver: ["approver"] },
    );
    consoles = await Promise.all(
      Array.from({ length: nodes }, async () =>
        startProcess({ ...environment, CICLO_HOME: await temporaryFolder() }),
      ),
    );
  });
  afterAll(async () => {
    await Promise.all(consoles.map((each) => each.stop()));
    await postgres.remove();
  });

  const statusOf = async (
    url: string,
    path: string,
  ): Promise<{ status: number; retryAfter: string | null }> => {
    const init =
      path === "/mcp"
        ? {
            method: "POST",
            headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
            body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
          }
        : {};
    const response = await fetch(url + path, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${tokens.author}` },
    });
    await response.body?.cancel();
    return { status: response.status, retryAfter: response.headers.get("retry-after") };
  };

  const isReady = async (): Promise<boolean> => {
    const answers = await Promise.all(
      consoles.flatMap(({ url }) => asked.map((path) => statusOf(url, path))),
    );
    return answers.every(({ status }) => status === 200);
  };

  type Strike = () => Promise<void>;
  const [restart, kill]: [Strike, Strike] = [() => postgres.stop(), () => postgres.kill()];
  const campaigns: [string, Strike[]][] = isEverything
    ? [
        ["fast restarts", Array<Strike>(30).fill(restart)],
        ["kill -9", Array<Strike>(30).fill(kill)],
      ]
    : [["a fast restart and a kill -9", [restart, kill]]];
  it.each(campaigns)(
    "%s: no process ends, nothing acknowledged is lost",
    { timeout: 900_000 },
    async (name, strikes) => {
      const exits: string[] = [];
      for (const { exited, output } of consoles) void exited.then(() => exits.push(output()));
      const load = new Workload({
        urls: () => consoles.map(({ url }) => url),
        tokens: { author: tokens.author ?? "", approver: tokens.approver ?? "" },
        atOnce: 4,
      });
      load.start();
      let slowestReturnMs = 0;
      for (const strike of strikes) {
        const before = load.acknowledged;
        await eventually(
          () => Promise.resolve(load.acknowledged),
          (now) => now >= before + pace,
          workMs,
        );
        await strike();
        for (const { url } of consoles) {
          for (const path of asked) {
            const answer = await eventually(
              () => statusOf(url, path),
              ({ status }) => status !== 200,
            );
            expect({ path, ...answer }).toEqual({ path, status: 503, retryAfter: "1" });
          }
        }
        await postgres.start();
        const from = performance.now();
        await eventually(isReady, (ready) => ready);
        slowestReturnMs = Math.max(slowestReturnMs, Math.round(performance.now() - from));
      }
      await load.stop();
      expect(exits).toEqual([]);
      const [first] = consoles;
      const client = createClient({ baseUrl: first?.url ?? "", token: tokens.author });
      await comeToRest(client, () => consoles.map(({ output }) => output()).join("\n"));
      const unfinished = await unfinishedOperations();
      const outcome = await outcomeOf({
        url: first?.url ?? "",
        token: tokens.author ?? "",
        repository: remote,
        changes: load.changes,
      });
      report(`PostgreSQL, ${name}`, {
        blows: strikes.length,
        acknowledged: load.acknowledged,
        refusals: Object.fromEntries(load.refusals),
        slowest_return_ms: slowestReturnMs,
        ...outcome,
      });
      expect(unfinished).toBe(0);
      expect(
        load.refusals.get("internal"),
        consoles.map(({ output }) => output()).join("\n"),
      ).toBeUndefined();
      expectClean(outcome);
      expect(await verifyAudit({ ...environment, CICLO_HOME: await temporaryFolder() })).toMatchObject({
        ok: true,
      });
    },
  );

  async function unfinishedOperations(): Promise<number> {
    const client = new pg.Client(environment.CICLO_DATABASE_URL);
    await client.connect();
    const count = await eventually(
      async () =>
        Number(
          (await client.query("select count(*) from operations where status = 'running'")).rows[0].count,
        ),
      (running) => running === 0,
    );
    await client.end();
    return count;
  }
});
