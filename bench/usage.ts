import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { policyFileSchema } from "@ciclo/contract";
import { createApp } from "../apps/server/src/app.ts";
import { readConfig } from "../apps/server/src/config.ts";
import { openSqliteDatabase } from "../apps/server/src/db/dialect.ts";
import { system } from "../apps/server/src/domain/actor.ts";
import { createUsage } from "../apps/server/src/features/usage/index.ts";
import { createLogger } from "../apps/server/src/lib/logger.ts";
import { toolCall } from "../apps/server/tests/support/usage.ts";
import { type Figures, median, timed } from "./measure.ts";

const few = 1000;
const many = 1_000_000;
const atOnce = 10_000;
const rounds = 300;

const event = toolCall(
  { requestBytes: 100, responseBytes: 100, costUsd: 0.000_001 },
  { actorName: "bench", agent: "bench" },
);
const { subject } = event;

const agents = new Map();

const budget = policyFileSchema.parse({
  id: "budget",
  kind: "budget",
  title: "Budget",
  limits: { daily_usd: 1000, monthly_usd: 10_000 },
  on_exceeded: "block",
});

/** What a budget's check, its reading of the database, and health take, with few calls on record and with many. */
export async function measureUsage(): Promise<Figures> {
  // The first compiles what is measured.
  await measureWith(few);
  const [little, much] = [await measureWith(few), await measureWith(many)];
  return {
    budget_check_us: much.check * 1000,
    budget_check_1m_over_1k: much.check / little.check,
    budget_read_ms: much.read,
    budget_read_1m_over_1k: much.read / little.read,
    health_p50_ms: much.health,
    health_1m_over_1k: much.health / little.health,
  };
}

async function measureWith(events: number) {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-usage-"));
  const database = await openSqliteDatabase(join(home, "ciclo.db"));
  const config = readConfig({ CICLO_HOME: home, CICLO_LOG_LEVEL: "silent" });
  const { app, features } = await createApp({ config, database, logger: createLogger("silent") });
  const { token } = await features.access.service.users.add(system, {
    name: "viewer",
    email: "viewer@example.com",
    roles: ["viewer"],
  });
  const policies = new Map([["budget", budget]]);
  const { ledger, budgets } = createUsage({
    database,
    queries: database.queries,
    transaction: (work) => database.transaction((queries) => work(queries, () => Promise.resolve())),
    clock: () => new Date(),
    logger: createLogger("silent"),
    home,
    policies: () => policies,
    unusable: () => new Set(),
    agents: () => agents,
    unusableAgents: () => new Set(),
    decidedAt: "",
    activeRoles: () => Promise.resolve(new Map()),
    endRunTokens: () => Promise.resolve(),
    accessChanged: () => Promise.resolve(),
    mayUseModel: () => true,
    mayRaise: () => ({ en: "", "pt-BR": "" }),
  }).service;
  for (let count = 0; count < events; count += Math.min(atOnce, events)) {
    for (let index = 0; index < Math.min(atOnce, events); index += 1) ledger.recordTool(event);
    await ledger.flush();
  }
  const checks = 10_000;
  const ask = async (): Promise<void> =>
    (await budgets.reserve(subject, { nanoUsd: 1000, usage: null })).settle([]);
  const check = median(
    await times(20, async () => {
      for (let count = 0; count < checks; count += 1) await ask();
    }),
  );
  // Asked of the database: what is set aside is given back first.
  const read = median(
    await times(rounds, async () => {
      await budgets.begin();
      await ask();
    }),
  );
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/api/v1/health`;
  const headers = { authorization: `Bearer ${token}` };
  const health = median(
    await times(rounds, async () => {
      const response = await fetch(url, { headers });
      if (response.status !== 200) throw new Error(`health answered ${response.status}`);
      await response.arrayBuffer();
    }),
  );
  server.close();
  await database.close();
  return { check: check / checks, read, health };
}

async function times(count: number, work: () => Promise<void> | void): Promise<number[]> {
  const taken: number[] = [];
  for (let round = 0; round < count; round += 1) taken.push((await timed(work)).ms);
  return taken;
}
