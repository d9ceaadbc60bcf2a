import { once } from "node:events";
import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { createApp } from "../apps/server/src/app.ts";
import { readConfig } from "../apps/server/src/config.ts";
import { openSqliteDatabase } from "../apps/server/src/db/dialect.ts";
import { system } from "../apps/server/src/domain/actor.ts";
import { tokenUsage } from "../apps/server/src/domain/tokens.ts";
import { type CallSubject, type MeteredCall, noSubject } from "../apps/server/src/domain/usage.ts";
import { createLogger } from "../apps/server/src/lib/logger.ts";
import { type Figures, median, timed } from "./measure.ts";

const few = 50_000;
const many = 5_000_000;
const atOnce = 10_000;
const servers = 20;
const people = 25;
const models = ["claude-opus-5-5", "claude-sonnet-4-5", "gpt-5.2", "gemini-2.5-pro"];
const yearMs = 365 * 24 * 3_600_000;
const rounds = 40;

/** Grouped reports of a year over HTTP, with many calls on record and with few. */
export async function measureReport(): Promise<Figures> {
  const [little, much] = [await measureWith(few), await measureWith(many)];
  return {
    usage_report_5m_p95_ms: much.p95,
    usage_report_5m_p50_ms: much.p50,
    usage_report_5m_over_50k: much.p50 / little.p50,
    usage_write_events_per_s: much.rate,
    usage_5m_database_mb: much.megabytes,
  };
}

async function measureWith(events: number) {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-report-"));
  const file = join(home, "ciclo.db");
  const database = await openSqliteDatabase(file);
  const config = readConfig({ CICLO_HOME: home, CICLO_LOG_LEVEL: "silent" });
  const { app, features } = await createApp({ config, database, logger: createLogger("silent") });
  const { token } = await features.access.service.users.add(system, {
    name: "viewer",
    email: "viewer@example.com",
    roles: ["viewer"],
  });
  const { ledger } = features.usage.service;
  const now = Date.now();
  const subjects = allSubjects();
  const { ms: writing } = await timed(async () => {
    for (let from = 0; from < events; from += atOnce)
      await ledger.take(
        Array.from({ length: Math.min(atOnce, events - from) }, (_, index) =>
          call(subjects, from + index, now - yearMs + ((from + index) / events) * yearMs),
        ),
      );
  });
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  const base = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/api/v1/usage`;
  const [from, to] = [now - yearMs, now].map((at) => new Date(at).toISOString().slice(0, 10));
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1)
    for (const group of ["server", "model", "person"]) {
      const query = `group_by=${group}&from=${from}&to=${to}&tz=America/Sao_Paulo`;
      const { ms, result } = await timed(async () => {
        const response = await fetch(`${base}?${query}`, { headers: { authorization: `Bearer ${token}` } });
        return (await response.json()) as { total: { calls: number } };
      });
      if (result.total.calls < events * 0.99) throw new Error(`calls are missing: ${result.total.calls}`);
      if (round > 2) times.push(ms);
    }
  server.close();
  await database.close();
  const sorted = times.toSorted((a, b) => a - b);
  return {
    p50: median(times),
    p95: sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN,
    rate: events / (writing / 1000),
    megabytes: statSync(file).size / 1_048_576,
  };
}

function allSubjects(): CallSubject[] {
  return Array.from({ length: servers * models.length }, (_, index) => ({
    ...noSubject,
    kind: "model",
    source: "endpoint",
    server: `server-${index % servers}`,
    method: "messages",
    provider: "anthropic",
    model: models[Math.floor(index / servers)] ?? null,
    actorName: `person-${index % people}`,
    agent: "claude-code",
  }));
}

function call(subjects: readonly CallSubject[], index: number, at: number): MeteredCall {
  const subject = subjects[(index * 7919) % subjects.length] ?? subjects[0];
  if (subject === undefined) throw new Error("there are no subjects");
  return {
    subject,
    key: `bench:${index}`,
    aliases: [],
    at: new Date(at).toISOString(),
    session: null,
    operation: null,
    attempt: 1,
    status: "ok",
    error: null,
    ms: 100 + (index % 900),
    requestBytes: 1000,
    responseBytes: 1000,
    usage: tokenUsage({ input: 1000 + (index % 100), cacheRead: 500, output: 100 }),
    cost: { nanoUsd: 1_000_000 + index, source: "table", version: "bench" },
  };
}
