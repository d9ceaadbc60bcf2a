import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ProblemError } from "@ciclo/contract";
import { sql } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase, openSqliteDatabase } from "../src/db/dialect.ts";
import { listenerOf } from "../src/serve.ts";
import { detached } from "../src/lib/background.ts";
import { startConsole } from "./support/console.ts";
import { newPostgresUrl } from "./support/databases.ts";
import { eventually } from "./support/eventually.ts";
import { createPostgresServer, type PostgresServer } from "./support/postgres-server.ts";
import { consoleArguments, startProcess } from "./support/process.ts";
import { provision } from "./support/provision.ts";
import { temporaryFolder } from "./support/temporary.ts";

/** Another process that holds SQLite's write lock until its input ends. */
async function holdFile(file: string) {
  const script = `
    const database = new (require("node:sqlite").DatabaseSync)(process.argv[1]);
    database.exec("begin immediate");
    process.stdout.write("held");
    process.stdin.resume().on("end", () => { database.exec("rollback"); database.close(); });`;
  const child = spawn(process.execPath, ["-e", script, file], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return {
    async release() {
      child.stdin.end();
      await once(child, "exit");
    },
  };
}

describe("SQLite", () => {
  it("held by another process keeps no other request waiting, and the write is done once it is free", async () => {
    const file = join(await temporaryFolder(), "ciclo.db");
    const running = await startConsole({ database: await openSqliteDatabase(file) });
    const admin = await running.person("admin");
    const other = await holdFile(file);
    let isCreated = false;
    const created = admin.client
      .call("createUser", { body: { name: "N", email: "n@example.com" } })
      .then(() => (isCreated = true));
    for (let asked = 0; asked < 20; asked += 1) {
      expect((await running.request("/healthz")).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(isCreated).toBe(false);
    await other.release();
    await created;
    expect((await admin.client.call("listUsers")).items).toHaveLength(2);
  });

  it("held for long is said as 503 with Retry-After; nothing was changed", async () => {
    const file = join(await temporaryFolder(), "ciclo.db");
    const running = await startConsole({ database: await openSqliteDatabase(file) });
    const admin = await running.person("admin");
    const other = await holdFile(file);
    const answer = await running.request("/api/v1/users", {
      method: "POST",
      headers: { authorization: `Bearer ${admin.token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "N", email: "n@example.com" }),
    });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await answer.json()).toMatchObject({
      code: "database_unavailable",
      detail: expect.stringContaining("another process holds it") as string,
    });
    await other.release();
    expect((await admin.client.call("listUsers")).items).toHaveLength(1);
  });

  it(
    "held for long is said to all who wait for it together, not to one after the other",
    { timeout: 12_000 },
    async () => {
      const file = join(await temporaryFolder(), "ciclo.db");
      const running = await startConsole({ database: await openSqliteDatabase(file) });
      const admin = await running.person("admin");
      const other = await holdFile(file);
      const write = (count: number) =>
        running.request("/api/v1/users", {
          method: "POST",
          headers: { authorization: `Bearer ${admin.token}`, "content-type": "application/json" },
          body: JSON.stringify({ name: "N", email: `n${count}@example.com` }),
        });
      const answers = await Promise.all([1, 2, 3, 4, 5].map(write));
      expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
      await other.release();
    },
  );

  it("whose disk is full says so, on the API, in readiness and in health, until there is room", async () => {
    const running = await startConsole({
      database: await openSqliteDatabase(join(await temporaryFolder(), "ciclo.db")),
    });
    const admin = await running.person("admin");
    const { queries } = running.database;
    // SQLite's own limit raises the very error of a full disk.
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(queries);
    await sql`pragma max_page_count = ${sql.lit(rows[0]?.page_count ?? 0)}`.execute(queries);
    const fill = async (): Promise<string> => {
      for (let count = 0; count < 400; count += 1) {
        try {
          await admin.client.call("createUser", {
            body: { name: "N".repeat(100), email: `n${count}@example.com` },
          });
        } catch (error) {
          if (error instanceof ProblemError) return `${error.problem.code}: ${error.problem.detail}`;
          throw error;
        }
      }
      return "never";
    };
    expect(await fill()).toContain("database_unavailable: The database does not answer: its disk is full");
    expect((await running.request("/readyz")).status).toBe(503);
    const listener = listenerOf(running);
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as AddressInfo;
    const call = () =>
      fetch(`http://127.0.0.1:${port}/mcp`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${admin.token}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
      });
    const refused = await call();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await refused.text()).toContain("its disk is full");
    const health = await admin.client.call("getHealth");
    expect(health.checks.find(({ id }) => id === "database")).toMatchObject({
      status: "down",
      detail: expect.stringContaining("its disk is full") as string,
    });
    await sql`pragma max_page_count = 1000000`.execute(queries);
    await eventually(
      () => running.request("/readyz"),
      ({ status }) => status === 200,
    );
    expect((await call()).status).toBe(200);
    listener.closeAllConnections();
    listener.close();
    await admin.client.call("createUser", { body: { name: "N", email: "last@example.com" } });
    expect(await running.audit.verify()).toMatchObject({ ok: true });
  });
});

describe("PostgreSQL", () => {
  let url: string;
  let database: Database;
  let admin: pg.Client;
  beforeAll(async () => {
    url = await newPostgresUrl();
    database = await openDatabase({ url, file: "" });
    admin = new pg.Client(url);
    await admin.connect();
  });
  afterAll(async () => {
    await database.close();
    await admin.end();
  });

  const advisoryLocks = async () =>
    (
      await admin.query<{ pid: number; count: string }>(
        `select pid, count(*) from pg_locks where locktype = 'advisory' and granted
         and database = (select oid from pg_database where datname = current_database()) group by pid`,
      )
    ).rows;

  it("whose sessions are terminated serves on with new ones, and work under a lock ends in a refusal or well", async () => {
    const entered = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const held = database.exclusively("a", async () => {
      entered.resolve();
      await goOn.promise;
      return "done";
    });
    await entered.promise;
    const open = database.transaction(async (queries) => {
      await queries.selectFrom("users").selectAll().execute();
      await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
      await queries.selectFrom("users").selectAll().execute();
    });
    await expect(open).rejects.toMatchObject({ code: "database_unavailable" });
    goOn.resolve();
    expect(await held).toBe("done");
    expect(await database.exclusively("a", () => Promise.resolve("again"))).toBe("again");
    await database.ping();
    expect(await advisoryLocks()).toEqual([]);
  });

  it("lends background work no lock connection that its caller gives back", async () => {
    const goOn = Promise.withResolvers<void>();
    const inBackground: Promise<void>[] = [];
    const start = (key: string, run: (work: () => void) => void) =>
      database.exclusively(`request ${key}`, async () => {
        run(() => {
          inBackground.push(database.exclusively(`background ${key}`, () => goOn.promise));
        });
      });
    await start("one", (work) => detached(work));
    await start("two", (work) => detached(work));
    // Even work that forgets to leave its caller's context finds that the connection is no longer held.
    await start("three", (work) => void setTimeout(work, 0));
    const rows = await eventually(advisoryLocks, (locks) => locks.length === 3);
    expect(rows.map(({ count }) => count)).toEqual(["1", "1", "1"]);
    goOn.resolve();
    await Promise.all(inBackground);
    expect(await advisoryLocks()).toEqual([]);
  });

  it("ends a console whose master key is another one with code 2 and one line", async () => {
    const environment = { CICLO_HOME: await temporaryFolder(), CICLO_DATABASE_URL: url };
    const first = await startProcess({ ...environment, CICLO_MASTER_KEY: "ab".repeat(32) });
    await first.stop();
    const child = spawn(process.execPath, consoleArguments(), {
      env: {
        PATH: process.env.PATH,
        CICLO_PORT: "0",
        CICLO_LOG_LEVEL: "silent",
        ...environment,
        CICLO_MASTER_KEY: "cd".repeat(32),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, "exit")).toEqual([2, null]);
    expect(said).toMatch(/^CICLO_MASTER_KEY.*wrapped with master key.*\n$/);
  });
});

describe("a console that starts before PostgreSQL", () => {
  let postgres: PostgresServer;
  beforeAll(async () => void (postgres = await createPostgresServer()));
  afterAll(() => postgres.remove());

  it("waits for it", async () => {
    const starting = startProcess({
      CICLO_HOME: await temporaryFolder(),
      CICLO_DATABASE_URL: `${postgres.url}postgres`,
      CICLO_LOG_LEVEL: "silent",
    });
    await postgres.start();
    const { url, stop } = await starting;
    const ready = await eventually(
      () => fetch(`${url}/readyz`),
      ({ status }) => status === 200,
    );
    expect(await ready.json()).toEqual({ status: "ok" });
    await stop();
  });
});

describe("a data folder", () => {
  it("is one console's: a second one ends with code 2 and names the first, and a killed one leaves no lock", async () => {
    const home = await temporaryFolder();
    const first = await startProcess({ CICLO_HOME: home });
    const second = spawn(process.execPath, consoleArguments(), {
      env: { PATH: process.env.PATH, CICLO_PORT: "0", CICLO_HOME: home },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    second.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(second, "exit")).toEqual([2, null]);
    expect(said).toMatch(
      new RegExp(
        `^CICLO_HOME: \\S+ is in use by the console of process ${first.pid} on \\S+, which started at 20`,
      ),
    );
    // A copy is a folder of its own.
    const copy = await temporaryFolder();
    cpSync(home, copy, { recursive: true });
    const besides = await startProcess({ CICLO_HOME: copy });
    await besides.stop();
    // Somebody took the lock for one that was left.
    rmSync(join(home, "console.lock"));
    rmSync(join(home, "console.json"));
    const anotherTry = spawnSync(process.execPath, consoleArguments(), {
      env: { PATH: process.env.PATH, CICLO_PORT: "0", CICLO_HOME: home },
      encoding: "utf8",
    });
    expect(anotherTry.status).toBe(2);
    expect(anotherTry.stderr).toMatch(
      new RegExp(`process ${first.pid}, though its console\\.lock was deleted\\. Stop that one first\\n$`),
    );
    // The draft of a key that was being made when a process was killed.
    const draft = join(home, "master.key.01234567-89ab-4cde-8f01-23456789abcd");
    writeFileSync(draft, "secret");
    process.kill(first.pid, "SIGKILL");
    await first.exited;
    const third = await startProcess({ CICLO_HOME: home });
    expect(existsSync(draft)).toBe(false);
    await third.stop();
  });
});

describe("a console that was killed", () => {
  it("is followed by the next at once, also where nobody has collected it", async () => {
    const home = await temporaryFolder();
    // Becomes a program that never asks what its children came to, as a container's first process may be.
    const parent = spawn(
      "sh",
      ["-c", '"$0" "$@" & exec sleep 300', process.execPath, ...consoleArguments()],
      {
        env: { PATH: process.env.PATH, CICLO_PORT: "0", CICLO_HOME: home },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    try {
      await once(parent.stdout, "data");
      const { pid } = JSON.parse(readFileSync(join(home, "console.json"), "utf8")) as { pid: number };
      process.kill(pid, "SIGKILL");
      const next = await startProcess({ CICLO_HOME: home });
      expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z ");
      await next.stop();
    } finally {
      parent.kill("SIGKILL");
    }
  });
});

describe("a console that is told to stop", () => {
  /** Reads an answer until it ends or breaks off. */
  const endOf = async (answer: Response): Promise<string> => {
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toContain("text/event-stream");
    return answer.text().then(
      () => "ended",
      () => "broke off",
    );
  };

  it("ends streams, and lets the request under way end", async () => {
    const environment = { CICLO_HOME: await temporaryFolder() };
    const { ana } = await provision(environment, { ana: ["planner"] });
    const console_ = await startProcess(environment);
    const authorization = `Bearer ${ana}`;
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "by hand", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const params = { notifications: { toolsListChanged: true }, _meta: meta };
    const streams = await Promise.all([
      fetch(`${console_.url}/api/v1/events`, { headers: { authorization } }),
      fetch(`${console_.url}/mcp`, {
        method: "POST",
        headers: {
          authorization,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": "subscriptions/listen",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params }),
      }),
    ]);
    // A sign-in that waits for the rest of its body is under way.
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const writer = body.writable.getWriter();
    const answering = fetch(`${console_.url}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: body.readable,
      duplex: "half",
    });
    await writer.write(new TextEncoder().encode('{"token":'));
    await eventually(
      () => fetch(`${console_.url}/healthz`),
      ({ status }) => status === 200,
    );
    const stopped = console_.stop();
    await Promise.all(streams.map(endOf));
    await writer.write(new TextEncoder().encode(`"${"ab".repeat(32)}"}`));
    await writer.close();
    const answer = await answering;
    expect(answer.status).toBe(401);
    await answer.body?.cancel();
    await stopped;
  });
});
