import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@ciclo/contract";
import { stringify } from "yaml";
import { expect, it } from "vitest";
import { openSqliteDatabase } from "../../src/db/dialect.ts";
import { pushFiles } from "../support/config.ts";
import { eventually } from "../support/eventually.ts";
import { rounds } from "../support/extent.ts";
import { modelDouble } from "../support/model-double.ts";
import { startProcess } from "../support/process.ts";
import { provision } from "../support/provision.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { callsIn } from "../support/usage.ts";

it(
  "loses no call and no money, whenever the console is killed under load with budgets",
  { timeout: 600_000 },
  async () => {
    const home = await temporaryFolder();
    const model = await modelDouble();
    mkdirSync(join(home, "mcp-logs"));
    const environment = { CICLO_HOME: home };
    const first = await startProcess(environment);
    await first.stop();
    const { ana: token = "" } = await provision(environment, { ana: ["planner"] });
    pushFiles(join(home, "config.git"), {
      "policies/models.yaml": stringify({
        id: "models",
        kind: "models",
        title: "Models",
        providers: [{ id: "openai", dialect: "openai", url: `${model.url}/v1` }],
      }),
      "policies/network.yaml": stringify({
        id: "network",
        kind: "network",
        title: "Network",
        allow_hosts: ["*"],
        allow_private: true,
        require_tls: false,
      }),
      "policies/budget.yaml": stringify({
        id: "budget",
        kind: "budget",
        title: "Budget",
        limits: { daily_usd: 100, rolling: [{ hours: 24, usd: 100 }] },
        on_exceeded: "block",
      }),
    });
    let answered = 0;
    const ask = async (url: string): Promise<void> => {
      const response = await fetch(`${url}/llm/openai/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({
          model: "gpt-5.2",
          max_tokens: 100,
          messages: [{ role: "user", content: "Hello" }],
        }),
      });
      await response.text();
      if (response.status === 200) answered += 1;
    };
    for (let kill = 0; kill < rounds(3, 50); kill += 1) {
      const server = await startProcess(environment);
      const ended = new AbortController();
      const load = Array.from({ length: 8 }, async () => {
        while (!ended.signal.aborted) await ask(server.url).catch(() => undefined);
      });
      const enough = answered + 20 + ((kill * 13) % 40);
      await eventually(
        () => Promise.resolve(answered),
        (count) => count >= enough,
      );
      await server.killGroup();
      ended.abort();
      await server.exited;
      await Promise.all(load);
    }
    const last = await startProcess(environment);
    const client = createClient({ baseUrl: last.url, token, locale: "en" });
    await client.call("getUsage", { query: { group_by: "model", tz: "UTC" } });
    await last.stop();
    const database = await openSqliteDatabase(join(home, "ciclo.db"));
    const { queries } = database;
    const rows = await callsIn(queries);
    const spent = rows.reduce((sum, { cost_nano_usd }) => sum + (cost_nano_usd ?? 0), 0);
    // Each request that reached the provider is a call; what was just begun may be one that did not.
    expect(rows.length).toBeGreaterThanOrEqual(model.asked.length);
    expect(rows.filter(({ cost_source }) => cost_source === "table").length).toBeGreaterThanOrEqual(
      answered - 8 * rounds(3, 50),
    );
    expect(
      new Set(rows.map(({ cost_source }) => cost_source)).difference(new Set(["table", "unknown", "none"]))
        .size,
    ).toBe(0);
    const sums = await queries
      .selectFrom("usage_hours")
      .select((eb) => [eb.fn.sum<number>("calls").as("calls"), eb.fn.sum<number>("cost_nano_usd").as("cost")])
      .executeTakeFirstOrThrow();
    expect(sums).toEqual({ calls: rows.length, cost: spent });
    for (const purse of await queries.selectFrom("budget_purses").selectAll().execute())
      expect([purse.spent, purse.reserved]).toEqual([spent, 0]);
    expect(await queries.selectFrom("budget_leases").selectAll().execute()).toEqual([]);
    await database.close();
  },
);
