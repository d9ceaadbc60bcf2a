import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { createApp } from "../apps/server/src/app.ts";
import { readConfig } from "../apps/server/src/config.ts";
import { type Database, openSqliteDatabase } from "../apps/server/src/db/dialect.ts";
import { eventHash, genesis } from "../apps/server/src/features/audit/chain.ts";
import { system } from "../apps/server/src/domain/actor.ts";
import { createLogger } from "../apps/server/src/lib/logger.ts";
import { insertChanges } from "../apps/server/tests/support/history.ts";
import { ensureServerBuilt } from "../scripts/ensure.mjs";
import { type Figures, median, p99, timed } from "./measure.ts";
import { collecting, residentMegabytes } from "./memory.ts";

const main = join(ensureServerBuilt(), "main.js");
const changes = 100_000;
const events = 200_000;
const starts = 7;
const idleMs = 3000;

/** From starting the process to its first `/healthz`, and its memory when nothing happens. */
export async function measureStart(): Promise<Figures> {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-start-"));
  const times: number[] = [];
  let idle = 0;
  for (let round = 0; round <= starts; round += 1) {
    const {
      ms,
      result: { child },
    } = await timed(() => startAndAsk(home));
    // The first fills the compile cache and makes the repository.
    if (round > 0) times.push(ms);
    if (round === starts) {
      await new Promise((resolve) => setTimeout(resolve, idleMs));
      idle = residentMegabytes(child.pid);
    }
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  return { start_to_healthz_ms: median(times), idle_memory_mb: idle };
}

/** Starts a console, one whose garbage can be collected from here perhaps, and waits for its first `/healthz`. */
export async function startAndAsk(home: string, collects = false) {
  const child = spawn(process.execPath, [...(collects ? collecting : []), main], {
    env: { PATH: process.env.PATH, CICLO_HOME: home, CICLO_PORT: "0", CICLO_LOG_LEVEL: "warn" },
    stdio: ["ignore", "pipe", "inherit", collects ? "ipc" : "ignore"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let output = "";
    // It is read on to the end: a console whose output nobody takes would break off.
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const found = /Ciclo is at (\S+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.on("exit", () => reject(new Error(`the console did not start: ${output}`)));
  });
  await fetch(`${url}/healthz`);
  return { child, url };
}

/** The history page and the audit log, when a console is old. */
export async function measureHistory(): Promise<Figures> {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-history-"));
  const database = await openSqliteDatabase(join(home, "ciclo.db"));
  const config = readConfig({ CICLO_HOME: home, CICLO_LOG_LEVEL: "silent" });
  const services = await createApp({ config, database, logger: createLogger("silent") });
  const { token } = await services.features.access.service.users.add(system, {
    name: "viewer",
    email: "viewer@example.com",
    roles: ["viewer"],
  });
  await insertChanges(database, changes);
  const list = await measureList(services.app.fetch, token);
  await insertEvents(database);
  await services.features.audit.service.sealHead(system);
  const { ms, result } = await timed(() => services.features.audit.service.verify());
  if (!result.ok) throw new Error(`the log is broken: ${JSON.stringify(result)}`);
  await database.close();
  return { ...list, audit_verify_events_per_s: result.events / (ms / 1000) };
}

async function measureList(fetchApp: Parameters<typeof serve>[0]["fetch"], token: string): Promise<Figures> {
  const server = serve({ fetch: fetchApp, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/api/v1/changes`;
  const headers = { authorization: `Bearer ${token}` };
  const times: number[] = [];
  let cursor: string | null = null;
  for (let call = 0; call < 1000; call += 1) {
    const query: string = cursor === null ? "" : `?cursor=${cursor}`;
    const { ms, result } = await timed(async () => {
      const response = await fetch(url + query, { headers });
      return (await response.json()) as { next_cursor: string | null };
    });
    if (call >= 20) times.push(ms);
    cursor = result.next_cursor;
  }
  server.close();
  return { changes_p50_ms: median(times), changes_p99_ms: p99(times) };
}

async function insertEvents(database: Database): Promise<void> {
  await database.transaction(async (queries) => {
    await queries.deleteFrom("audit_events").execute();
    let previous = genesis;
    for (let seq = 1; seq <= events; seq += 100) {
      const rows = Array.from({ length: 100 }, (_, offset) => {
        const event = eventRow(seq + offset, previous);
        previous = event.hash;
        return event;
      });
      await queries.insertInto("audit_events").values(rows).execute();
    }
    await queries.updateTable("audit_head").set({ seq: events, hash: previous, mac: null }).execute();
  });
}

function eventRow(seq: number, previous: string) {
  const event = {
    seq,
    id: `event-${seq}`,
    at: "2026-01-01T00:00:00.000Z",
    actor_id: "user",
    actor_name: "bench",
    actor_roles: '["planner"]',
    action: "plan.created",
    resource: "plan:bench",
    status: "succeeded",
    plan_id: "bench",
    metadata: JSON.stringify({
      intent: "add_agent",
      base_commit: "0".repeat(40),
      patch_sha256: "0".repeat(64),
    }),
    prev_hash: previous,
  };
  return { ...event, hash: eventHash(event) };
}
