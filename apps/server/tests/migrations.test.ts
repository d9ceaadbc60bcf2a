import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { expect, it } from "vitest";
import { migrate } from "../src/db/migrations/index.ts";
import { DatabaseProbe } from "../src/db/probe.ts";
import type { Tables } from "../src/db/schema.ts";
import { sqliteDialect } from "../src/db/sqlite.ts";
import { newPostgresUrl } from "./support/databases.ts";
import { callsIn } from "./support/usage.ts";

const openings: ["sqlite" | "postgres", () => Promise<Kysely<Tables>>][] = [
  ["sqlite", () => Promise.resolve(new Kysely({ dialect: sqliteDialect(":memory:", new DatabaseProbe()) }))],
  [
    "postgres",
    async () =>
      new Kysely({
        dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: await newPostgresUrl() }) }),
      }),
  ],
];

it.each(openings)(
  "an older ledger comes along, with totals that outlived their calls: %s",
  async (kind, open) => {
    const queries = await open();
    await migrate(queries, kind, "0006-live-branch");
    const calls: [string, string, string | null, number | null, string][] = [
      ["1", "2026-03-02T10:00:00.000Z", "echo", 0.1, "ok"],
      ["2", "2026-03-02T10:30:00.000Z", "echo", 0.2, "error"],
      ["3", "2026-03-02T11:00:00.000Z", null, null, "ok"],
      ["4", "2026-03-02T11:00:01.000Z", "echo", null, "refused"],
    ];
    for (const [id, at, tool, cost, status] of calls)
      await sql`insert into usage_events (id, at, kind, server, tool, method, actor_name, status, era, ms, request_bytes,
      response_bytes, cost_usd) values (${id}, ${at}, 'tool', 'hub', ${tool}, 'tools/call', 'ana', ${status}, 'modern', 1.5, 1, 2,
      ${cost})`.execute(queries);
    const totals: [string, number, number, number][] = [
      ["2026-03-01", 5, 1, 0.7],
      ["2026-03-02", 4, 2, 0.3],
      ["2026-03", 9, 3, 1],
    ];
    for (const [period, count, unpriced, cost] of totals)
      await sql`insert into usage_totals (period, server, calls, unpriced_calls, cost_usd)
      values (${period}, 'hub', ${count}, ${unpriced}, ${cost})`.execute(queries);

    await migrate(queries, kind);
    const rows = await callsIn(queries);
    expect(rows.map(({ key, tool, status, ms }) => [key, tool, status, Number(ms)])).toEqual([
      ["gateway:1", "echo", "ok", 1.5],
      ["gateway:2", "echo", "error", 1.5],
      ["gateway:3", null, "ok", 1.5],
      ["gateway:4", "echo", "refused", 1.5],
    ]);
    expect(rows.map(({ cost_nano_usd }) => String(cost_nano_usd))).toEqual([
      "100000000",
      "200000000",
      "null",
      "null",
    ]);
    for (const [table, length] of [
      ["usage_hours", 13],
      ["usage_days", 10],
    ] as const) {
      const sums = await queries.selectFrom(table).selectAll().orderBy("period").execute();
      const byPeriod = new Map<string, number[]>();
      for (const row of sums) {
        const before = byPeriod.get(row.period) ?? [0, 0, 0, 0];
        const add = [row.calls, row.cost_nano_usd, row.refused, row.unpriced];
        byPeriod.set(
          row.period,
          before.map((value, index) => value + Number(add[index])),
        );
      }
      expect([...byPeriod]).toEqual(
        length === 10
          ? [
              ["2026-03-01", [5, 700_000_000, 0, 1]],
              ["2026-03-02", [4, 300_000_000, 1, 1]],
            ]
          : [
              ["2026-03-01T00", [5, 700_000_000, 0, 1]],
              ["2026-03-02T10", [2, 300_000_000, 0, 0]],
              ["2026-03-02T11", [2, 0, 1, 1]],
            ],
      );
    }
    await queries.destroy();
  },
);
