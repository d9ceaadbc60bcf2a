import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Rotation, text } from "@ciclo/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCore } from "../../src/core.ts";
import { type Database, openSqliteDatabase } from "../../src/db/dialect.ts";
import { databaseUnavailable } from "../../src/db/unavailable.ts";
import { masterIdOf, seal, unseal } from "../../src/features/keys/seal.ts";
import { system } from "../../src/domain/actor.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "../support/config.ts";
import {
  type ConsoleOptions,
  type Person,
  problemOf,
  startConsole,
  type TestConsole,
} from "../support/console.ts";
import { settableClock } from "../support/clock.ts";
import { stores } from "../support/databases.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { eventually } from "../support/eventually.ts";
import { clientAt, startGateway, textOf } from "../support/mcp/gateway.ts";
import { fixture, remote } from "../support/mcp/handshake.ts";
import { legacyEcho, listen } from "../support/mcp/http-servers.ts";

const params = { provider: "hub", name: "TOKEN" };
const add = ({ client }: Person, value: string, expires_at?: string) =>
  client.call("addKey", { body: { ...params, value, ...(expires_at === undefined ? {} : { expires_at }) } });
const rotate = ({ client }: Person, value: string, more: { force?: boolean } = {}) =>
  client.call("rotateKey", { params, body: { value, ...more } });

/** A rotation's stream of events, read to its end. */
async function watched(running: TestConsole, person: Person, id: string): Promise<Rotation[]> {
  const response = await running.request(`/api/v1/keys/rotations/${id}/events`, {
    headers: { authorization: `Bearer ${person.token}` },
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const text = await response.text();
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? "") as Rotation);
}

/** Everything that is written anywhere. */
async function everythingIn(running: TestConsole): Promise<string> {
  const tables = [
    "keys",
    "key_versions",
    "key_rotations",
    "data_keys",
    "audit_events",
    "plans",
    "change_plans",
    "thread_messages",
  ] as const;
  const rows = await Promise.all(
    tables.map((table) => running.database.queries.selectFrom(table).selectAll().execute()),
  );
  return JSON.stringify(rows);
}

describe.each(stores)("keys on %s", (_, open) => {
  it("are kept encrypted, shown by state and age, and never again by value", async () => {
    const running = await startConsole({ database: await open() });
    const approver = await running.person("approver");
    const value = "sk-live-0123456789abcdef";
    const key = await add(approver, value);
    expect(key).toMatchObject({ reference: "secret:hub/TOKEN", state: "active", version: 1, used_by: [] });
    const { items } = await approver.client.call("listKeys");
    expect(items).toHaveLength(1);
    expect(await (await running.keys.ring()).reveal("secret:hub/TOKEN")).toBe(value);
    expect(await everythingIn(running)).not.toContain(value);
    expect(JSON.stringify(items)).not.toContain(value);
    expect(await problemOf(add(approver, "other"))).toMatchObject({ code: "already_exists" });
  });

  it("are wiped when they are revoked or replaced", async () => {
    const running = await startConsole({ database: await open() });
    const approver = await running.person("approver");
    await add(approver, "first-value");
    const { id } = await rotate(approver, "second-value");
    expect((await watched(running, approver, id)).at(-1)).toMatchObject({ status: "promoted" });
    const rows = await running.database.queries
      .selectFrom("key_versions")
      .select(["version", "state", "sealed"])
      .orderBy("version")
      .execute();
    expect(rows.map(({ state, sealed }) => [state, sealed === ""])).toEqual([
      ["retired", true],
      ["active", false],
    ]);
    expect(await approver.client.call("revokeKey", { params })).toMatchObject({
      state: "revoked",
      version: null,
    });
    const left = await running.database.queries.selectFrom("data_keys").select("id").orderBy("id").execute();
    expect(left.map(({ id }) => id)).toEqual(["audit checkpoint", "cycle manifests"]);
  });
});

describe("sealing", () => {
  it("opens only with the same key and context, and not when a bit is changed", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 200 }),
        fc.string(),
        fc.nat(),
        (key, plain, context, at) => {
          const sealed = seal(key, plain, context);
          expect(new Uint8Array(unseal(key, sealed, context))).toEqual(plain);
          expect(() => unseal(key, sealed, `${context}!`)).toThrow(/auth|state/i);
          const [form, nonce, body = ""] = sealed.split(".");
          const bytes = Buffer.from(body, "base64url");
          bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1;
          expect(() => unseal(key, `${form}.${nonce}.${bytes.toString("base64url")}`, context)).toThrow(
            /auth|state/i,
          );
        },
      ),
    );
  });
});

describe("a rotation", () => {
  it("is proven by a handshake, told live, and only then used", async () => {
    const accepted = { token: "old-token" };
    const upstream = await legacyEcho(accepted);
    const gateway = await startGateway([
      { ...remote(upstream.url), id: "hub", headers: { authorization: "Bearer secret:hub/TOKEN" } },
    ]);
    const approver = await gateway.person("approver");
    await add(approver, "old-token");
    await eventually(
      () => Promise.resolve(gateway.servers.list("en")[0]?.state),
      (state) => state === "healthy",
    );
    const client = await clientAt(gateway, "/mcp", await gateway.person("planner"), "modern");
    expect(await textOf(client, "hub__echo", { text: "before" })).toBe("before");

    const refused = await rotate(approver, "wrong-token");
    const seen = await watched(gateway, approver, refused.id);
    const steps = seen.flatMap(({ servers }) =>
      servers.flatMap((server) => server.steps.map(({ step, status }) => `${step} ${status}`)),
    );
    expect(steps).toContain("negotiate running");
    expect(seen.at(-1)).toMatchObject({ status: "rejected", servers: [{ server: "hub" }] });
    expect(seen.at(-1)?.detail).toMatch(/The old value is kept\. hub: It refuses the credentials/);
    expect(await textOf(client, "hub__echo", { text: "still" })).toBe("still");

    const asked = upstream.requests.length;
    const slow = textOf(client, "hub__slow", { ms: 800 });
    await eventually(
      () => Promise.resolve(upstream.requests.length),
      (requests) => requests > asked,
    );
    accepted.token = "new-token";
    const good = await rotate(approver, "new-token");
    expect((await watched(gateway, approver, good.id)).at(-1)).toMatchObject({
      status: "promoted",
      version: 3,
    });
    expect(await textOf(client, "hub__echo", { text: "after" })).toBe("after");
    expect(upstream.requests.at(-1)?.headers.authorization).toBe("Bearer new-token");
    expect(await slow).toBe("done");
    const [key] = (await approver.client.call("listKeys")).items;
    expect(key).toMatchObject({
      version: 3,
      state: "active",
      used_by: ["hub"],
      last_handshake: { ok: true },
    });
    const actions = (await approver.client.call("listAudit", { query: { limit: 200 } })).items.map(
      ({ action }) => action,
    );
    expect(actions).toEqual(
      expect.arrayContaining(["key.added", "key.rotation_started", "key.rotation_rejected", "key.rotated"]),
    );
    expect(await everythingIn(gateway)).not.toMatch(/old-token|new-token|wrong-token/);
  });

  it("of a process's variable starts a new process beside the old one", async () => {
    const gateway = await startGateway([
      { ...fixture("refuses"), id: "process", env: { TOKEN: "secret:hub/TOKEN" } },
    ]);
    const approver = await gateway.person("approver");
    await add(approver, "good");
    await eventually(
      () => Promise.resolve(gateway.servers.list("en")[0]?.state),
      (state) => state === "healthy",
    );
    const client = await clientAt(gateway, "/mcp/process", await gateway.person("planner"), "legacy");
    const { id } = await rotate(approver, "bad");
    const end = (await watched(gateway, approver, id)).at(-1);
    expect(end).toMatchObject({ status: "rejected" });
    expect(end?.detail).toMatch(/process: its process ended/);
    expect(await textOf(client, "secret")).toBe("good");
  });

  it("can be forced for a provider that is dead, which is recorded", async () => {
    const running = await startConsole();
    pushFiles(running.git, {
      ...openPolicies(),
      "mcp-registry.yaml": registryOf([
        { ...remote("http://127.0.0.1:9/mcp"), headers: { authorization: "secret:hub/TOKEN" } },
      ]),
    });
    const approver = await running.person("approver");
    await add(approver, "old");
    const kept = await rotate(approver, "new");
    expect((await watched(running, approver, kept.id)).at(-1)).toMatchObject({
      status: "rejected",
      forced: false,
    });
    const forced = await rotate(approver, "new", { force: true });
    expect((await watched(running, approver, forced.id)).at(-1)).toMatchObject({
      status: "promoted",
      forced: true,
    });
    expect(await (await running.keys.ring()).reveal("secret:hub/TOKEN")).toBe("new");
    const { items } = await approver.client.call("listAudit", { query: { action: "key.rotated" } });
    expect(items[0]?.metadata).toMatchObject({ forced: true });
  });

  it("runs once at a time for a key, and needs an approver", async () => {
    const hanging = await listen(() => {});
    const running = await startConsole();
    pushFiles(running.git, {
      ...openPolicies(),
      "mcp-registry.yaml": registryOf([
        {
          ...remote(hanging.url, { timeouts: { connect_ms: 1500 } }),
          headers: { authorization: "secret:hub/TOKEN" },
        },
      ]),
    });
    const approver = await running.person("approver");
    await add(approver, "old");
    const { id } = await rotate(approver, "new");
    expect(await problemOf(rotate(approver, "newer"))).toMatchObject({ code: "rotation_running" });
    expect((await approver.client.call("listKeys")).items[0]).toMatchObject({ state: "rotating" });
    await watched(running, approver, id);
    const planner = await running.person("planner");
    expect(await problemOf(rotate(planner, "newer"))).toMatchObject({ code: "insufficient_permission" });
  });

  it("that a crash cut off keeps the old value", async () => {
    const hanging = await listen(() => {});
    const file = join(await temporaryFolder(), "ciclo.db");
    const running = await startConsole({ database: await openSqliteDatabase(file) });
    pushFiles(running.git, {
      ...openPolicies(),
      "mcp-registry.yaml": registryOf([
        {
          ...remote(hanging.url, { timeouts: { connect_ms: 5000 } }),
          headers: { authorization: "secret:hub/TOKEN" },
        },
      ]),
    });
    const approver = await running.person("approver");
    await add(approver, "old");
    const { id } = await rotate(approver, "new");
    // Another console on the same database, as after a crash.
    const again = await startConsole({
      database: await openSqliteDatabase(file),
      config: { home: running.home },
    });
    await again.features.keys.workers.start();
    expect(await again.keys.rotation(id, "en")).toMatchObject({ status: "rejected" });
    expect((await again.keys.list("en"))[0]).toMatchObject({ state: "active", version: 1 });
    await running.features.keys.workers.stop();
    await again.features.keys.workers.stop();
  });
});

describe("a key's end", () => {
  it("shows before it comes, and after", async () => {
    const clock = settableClock();
    const running = await startConsole({ clock });
    const approver = await running.person("approver");
    await add(approver, "x", "2026-02-01T00:00:00.000Z");
    const state = async () => (await approver.client.call("listKeys")).items[0]?.state;
    expect(await state()).toBe("active");
    clock.advance(26 * 86_400_000);
    expect(await state()).toBe("expiring");
    clock.advance(10 * 86_400_000);
    expect(await state()).toBe("expired");
  });

  it("is moved on by its issuer, by itself: GitLab's own rotation, spoken to by its double", async () => {
    const asked: { token: string | undefined; url: string | undefined }[] = [];
    const gitlab = await listen((request, response) => {
      const token = request.headers["private-token"];
      asked.push({ token: String(token), url: request.url });
      const isCurrent = token === "glpat-old";
      response.writeHead(isCurrent ? 200 : 401, { "content-type": "application/json" });
      response.end(
        JSON.stringify(
          isCurrent ? { token: "glpat-new", expires_at: "2026-03-01" } : { message: "401 Unauthorized" },
        ),
      );
    }, "");
    const clock = settableClock();
    const running = await startConsole({ clock });
    pushFiles(running.git, openPolicies());
    const approver = await running.person("approver");
    await add(approver, "glpat-old", "2026-01-20T00:00:00.000Z");
    await approver.client.call("setKeyRenewal", {
      params,
      body: { renewal: { provider: "gitlab", url: gitlab.url } },
    });
    await running.keys.renewDue();
    expect(asked).toEqual([]);
    clock.advance(14 * 86_400_000);
    await running.keys.renewDue();
    await eventually(
      () => running.keys.list("en"),
      ([key]) => key?.version === 2,
    );
    expect(asked).toEqual([
      { token: "glpat-old", url: "/api/v4/personal_access_tokens/self/rotate?expires_at=2026-02-14" },
    ]);
    expect(await (await running.keys.ring()).reveal("secret:hub/TOKEN")).toBe("glpat-new");
    const [key] = await running.keys.list("en");
    expect(key).toMatchObject({ expires_at: "2026-03-01T00:00:00.000Z", last_handshake: { ok: true } });
    await running.keys.renewDue();
    expect(asked).toHaveLength(1);
  });

  it("renewed where the old value is revoked, is in use at once, whatever comes after", async () => {
    let asked = 0;
    const gitlab = await listen((_, response) => {
      asked += 1;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ token: `glpat-${asked}`, expires_at: "2099-03-01" }));
    }, "");
    const hanging = await listen(() => {});
    const file = join(await temporaryFolder(), "ciclo.db");
    const running = await startConsole({ database: await openSqliteDatabase(file) });
    const headers = { authorization: "secret:hub/TOKEN" };
    pushFiles(running.git, {
      ...openPolicies(),
      "mcp-registry.yaml": registryOf([
        { ...remote(hanging.url, { timeouts: { connect_ms: 5000 } }), headers },
      ]),
    });
    const approver = await running.person("approver");
    await add(approver, "glpat-old");
    const renewal = { provider: "gitlab" as const, url: gitlab.url };
    await approver.client.call("setKeyRenewal", { params, body: { renewal } });
    const { id } = await approver.client.call("renewKey", { params });
    expect(await (await running.keys.ring()).reveal("secret:hub/TOKEN")).toBe("glpat-1");
    // Another console on the same database, as after a crash during the handshake.
    const again = await startConsole({
      database: await openSqliteDatabase(file),
      config: { home: running.home },
    });
    await again.features.keys.workers.start();
    expect(await again.keys.rotation(id, "en")).toMatchObject({ status: "promoted" });
    expect(await (await again.keys.ring()).reveal("secret:hub/TOKEN")).toBe("glpat-1");
    await again.features.keys.workers.stop();
    await running.features.keys.workers.stop();
  });

  it("is not renewed while a rotation runs, and its issuer not asked", async () => {
    const hanging = await listen(() => {});
    const gitlab = await listen((_, response) => response.writeHead(500).end(), "");
    const running = await startConsole();
    const headers = { authorization: "secret:hub/TOKEN" };
    pushFiles(running.git, {
      ...openPolicies(),
      "mcp-registry.yaml": registryOf([
        { ...remote(hanging.url, { timeouts: { connect_ms: 5000 } }), headers },
      ]),
    });
    const approver = await running.person("approver");
    await add(approver, "old");
    const renewal = { provider: "gitlab" as const, url: gitlab.url };
    await approver.client.call("setKeyRenewal", { params, body: { renewal } });
    await rotate(approver, "new");
    const refused = await problemOf(approver.client.call("renewKey", { params }));
    expect(refused).toMatchObject({ code: "rotation_running" });
    expect(gitlab.requests).toEqual([]);
    await running.features.keys.workers.stop();
  });

  it("leaves a failed renewal on record, and is tried again later", async () => {
    const clock = settableClock();
    const running = await startConsole({ clock });
    pushFiles(running.git, openPolicies());
    const approver = await running.person("approver");
    await add(approver, "glpat-x", "2026-01-02T00:00:00.000Z");
    const gone = "http://127.0.0.1:9";
    await approver.client.call("setKeyRenewal", {
      params,
      body: { renewal: { provider: "gitlab", url: gone } },
    });
    await running.keys.renewDue();
    await running.keys.renewDue();
    const { items } = await approver.client.call("listAudit", { query: { action: "key.renewal_failed" } });
    expect(items).toHaveLength(1);
    expect(JSON.stringify(items)).not.toContain("glpat-x");
    clock.advance(2 * 3_600_000);
    await running.keys.renewDue();
    expect(
      (await approver.client.call("listAudit", { query: { action: "key.renewal_failed" } })).items,
    ).toHaveLength(2);
  });
});

describe("a renewal whose answer cannot be read", () => {
  it("quotes nothing of it, which may be the new value", async () => {
    const gitlab = await listen((_, response) => response.end("glpat-new is the token"), "");
    const running = await startConsole();
    pushFiles(running.git, openPolicies());
    const approver = await running.person("approver");
    await add(approver, "glpat-old", new Date(Date.now() + 86_400_000).toISOString());
    const renewal = { provider: "gitlab" as const, url: gitlab.url };
    await approver.client.call("setKeyRenewal", { params, body: { renewal } });
    await running.keys.renewDue();
    const { items } = await approver.client.call("listAudit", { query: { action: "key.renewal_failed" } });
    expect(JSON.stringify(items)).toContain("other than a new token");
    const keys = await running.database.queries.selectFrom("keys").selectAll().execute();
    expect(JSON.stringify([items, keys])).not.toContain("glpat-");
  });
});

/** GitLab's token API as far as it matters here: one token is good, and a rotation revokes it. */
async function gitLabDouble(token = "glpat-old") {
  const state = { token, rotations: 0, holds: null as Promise<void> | null };
  const server = await listen((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (request.headers["private-token"] !== state.token) return answer(401, { message: "401 Unauthorized" });
    if (request.method === "GET") return answer(200, { active: true });
    state.rotations += 1;
    state.token = `glpat-new-${state.rotations}`;
    const made = { token: state.token, expires_at: "2099-03-01" };
    void (state.holds ?? Promise.resolve()).then(() => answer(200, made));
  }, "");
  return { ...server, state };
}

describe("a renewal that is cut off", () => {
  const start = async (options: ConsoleOptions = {}) => {
    const gitlab = await gitLabDouble();
    const running = await startConsole(options);
    pushFiles(running.git, openPolicies());
    const approver = await running.person("approver");
    await add(approver, "glpat-old");
    const renewal = { provider: "gitlab" as const, url: gitlab.url };
    await approver.client.call("setKeyRenewal", { params, body: { renewal } });
    const valueOf = async () => (await running.keys.ring()).reveal("secret:hub/TOKEN");
    return { gitlab, running, approver, valueOf };
  };

  it("by a stop is waited for: the only good value is written down", async () => {
    const { gitlab, running, valueOf } = await start();
    const gate = Promise.withResolvers<void>();
    gitlab.state.holds = gate.promise;
    const started = running.features.keys.workers.start();
    await eventually(
      () => Promise.resolve(gitlab.state.rotations),
      (rotations) => rotations === 1,
    );
    const stopped = running.features.keys.workers.stop();
    gate.resolve();
    await Promise.all([started, stopped]);
    expect(await valueOf()).toBe(gitlab.state.token);
  });

  it("by a database that is away is written down once it is back", async () => {
    const real = await openSqliteDatabase(":memory:");
    let refused = 0;
    let isAway = false;
    const database: Database = {
      ...real,
      transaction(work) {
        if (!isAway) return real.transaction(work);
        refused += 1;
        return Promise.reject(databaseUnavailable(text("away", "fora"), null));
      },
    };
    const { gitlab, approver, valueOf } = await start({ database });
    const gate = Promise.withResolvers<void>();
    gitlab.state.holds = gate.promise;
    const renewed = approver.client.call("renewKey", { params });
    await eventually(
      () => Promise.resolve(gitlab.state.rotations),
      (rotations) => rotations === 1,
    );
    isAway = true;
    gate.resolve();
    await eventually(
      () => Promise.resolve(refused),
      (times) => times >= 2,
    );
    isAway = false;
    await renewed;
    expect(await valueOf()).toBe(gitlab.state.token);
  });

  it.each(["before", "after"])(
    "by a crash %s the issuer had changed the value is found out",
    async (when) => {
      const clock = settableClock();
      const { gitlab, running, approver, valueOf } = await start({ clock });
      // As it stands when the process ends between the two.
      await running.database.queries
        .updateTable("keys")
        .set({ renewing_since: clock().toISOString() })
        .execute();
      if (when === "after") gitlab.state.token = "glpat-nobody-has-this";
      const key = async () => (await approver.client.call("listKeys")).items[0];
      expect((await key())?.renewal_problem).toContain("being found out");
      expect(await problemOf(approver.client.call("renewKey", { params }))).toMatchObject({
        code: "rotation_running",
      });
      clock.advance(60_000);
      await running.keys.renewDue();
      if (when === "before") {
        expect(await valueOf()).toBe("glpat-new-1");
        expect((await key())?.renewal_problem).toBeNull();
      } else {
        expect(gitlab.state.rotations).toBe(0);
        expect((await key())?.renewal_problem).toContain("the stored one is good no more");
        const inPortuguese = await running.clientOf(approver.token, "pt-BR").call("listKeys");
        expect(inPortuguese.items[0]?.renewal_problem).toContain("Crie um novo valor no emissor");
        const { items } = await approver.client.call("listAudit", { query: { action: "key.renewal_lost" } });
        expect(items).toHaveLength(1);
        await running.keys.renewDue();
        expect(gitlab.state.rotations).toBe(0);
      }
    },
  );
});

it("a rotation whose key is revoked meanwhile says so, in the language of who asks", async () => {
  const hanging = await listen(() => {});
  const running = await startConsole();
  const headers = { authorization: "secret:hub/TOKEN" };
  pushFiles(running.git, {
    ...openPolicies(),
    "mcp-registry.yaml": registryOf([{ ...remote(hanging.url, { timeouts: { connect_ms: 500 } }), headers }]),
  });
  const approver = await running.person("approver");
  await add(approver, "old");
  const { id } = await rotate(approver, "new");
  await approver.client.call("revokeKey", { params });
  const ended = await eventually(
    () => running.keys.rotation(id, "pt-BR"),
    ({ status }) => status !== "running",
  );
  expect(ended).toMatchObject({ status: "rejected" });
  expect(ended.detail).toContain("A chave foi revogada nesse meio-tempo");
  const [key] = await running.keys.list("pt-BR");
  expect(key?.last_handshake?.detail).toBe(ended.detail);
});

describe("the master key", () => {
  it("is rotated beside a console that runs, which goes on reading and writing keys", async () => {
    const database = await openSqliteDatabase(":memory:");
    const running = await startConsole({ database });
    const approver = await running.person("approver");
    await add(approver, "value-1");
    const file = running.config.masterKeyFile;
    const before = readFileSync(file, "utf8");
    const beside = await createCore({
      config: running.config,
      database,
      logger: createLogger("silent"),
    });
    const rotated = await beside.vault.rotateMaster(beside.features.audit.service.transaction, system);
    expect(rotated.rewrapped).toBeGreaterThanOrEqual(2);
    const after = readFileSync(file, "utf8");
    expect(after).not.toBe(before);
    expect(masterIdOf(Buffer.from(after.trim(), "hex"))).toBe(rotated.master_id);
    expect(await (await running.keys.ring()).reveal("secret:hub/TOKEN")).toBe("value-1");
    await approver.client.call("addKey", { body: { provider: "hub", name: "LATER", value: "value-2" } });
    const again = await startConsole({ database, config: { home: running.home } });
    const ring = await again.keys.ring();
    expect([await ring.reveal("secret:hub/TOKEN"), await ring.reveal("secret:hub/LATER")]).toEqual([
      "value-1",
      "value-2",
    ]);
    expect((await again.audit.verify()).ok).toBe(true);
  });

  it("is settled after a rotation that broke off, on either side of it", async () => {
    const running = await startConsole();
    await add(await running.person("approver"), "value-1");
    const file = running.config.masterKeyFile;
    // Before the database took it: the old one stays, and the next rotation goes on with the one that was made.
    writeFileSync(`${file}.next`, `${"ab".repeat(32)}\n`, { mode: 0o600 });
    const same = await startConsole({ database: running.database, config: { home: running.home } });
    expect(await (await same.keys.ring()).reveal("secret:hub/TOKEN")).toBe("value-1");
    const old = readFileSync(file, "utf8");
    await same.keys.rotateMaster(system);
    expect(readFileSync(file, "utf8").trim()).toBe("ab".repeat(32));
    // After the database took it, before the file did.
    writeFileSync(`${file}.next`, `${"ab".repeat(32)}\n`, { mode: 0o600 });
    writeFileSync(file, old);
    const settled = await startConsole({ database: running.database, config: { home: running.home } });
    expect(await (await settled.keys.ring()).reveal("secret:hub/TOKEN")).toBe("value-1");
    expect(readFileSync(join(running.home, "master.key"), "utf8").trim()).toBe("ab".repeat(32));
  });

  it("that a rotation beside a running console left half changed is found by that console", async () => {
    const running = await startConsole();
    const approver = await running.person("approver");
    await add(approver, "value-1");
    const file = running.config.masterKeyFile;
    const old = readFileSync(file, "utf8");
    const beside = await createCore({
      config: running.config,
      database: running.database,
      logger: createLogger("silent"),
    });
    await beside.vault.rotateMaster(beside.features.audit.service.transaction, system);
    // As it stands when that process ends after the database took the new one.
    writeFileSync(`${file}.next`, readFileSync(file, "utf8"));
    writeFileSync(file, old);
    await approver.client.call("addKey", { body: { provider: "hub", name: "LATER", value: "value-2" } });
    const fresh = await startConsole({ database: running.database, config: { home: running.home } });
    const ring = await fresh.keys.ring();
    expect([await ring.reveal("secret:hub/TOKEN"), await ring.reveal("secret:hub/LATER")]).toEqual([
      "value-1",
      "value-2",
    ]);
  });

  it("that is another one stops the start, and says which variable it is about", async () => {
    const running = await startConsole();
    const other = startConsole({
      database: running.database,
      config: { home: running.home, masterKey: "cd".repeat(32) },
    });
    await expect(other).rejects.toThrow(/CICLO_MASTER_KEY.*wrapped with master key/);
  });
});

describe("servers that want a key", () => {
  it("are quarantined until it is stored, and say which", async () => {
    const upstream = await legacyEcho({ token: "t0ken" });
    const gateway = await startGateway(
      [{ ...remote(upstream.url), id: "hub", headers: { authorization: "Bearer secret:hub/TOKEN" } }],
      newToolsAllowed,
    );
    const approver = await gateway.person("approver");
    const state = () => gateway.servers.list("en")[0];
    expect(state()).toMatchObject({ state: "quarantined" });
    expect(state()?.detail).toMatch(/No key secret:hub\/TOKEN is stored\. Add it: ciclo keys add hub\/TOKEN/);
    await add(approver, "t0ken");
    await eventually(
      () => Promise.resolve(state()?.state),
      (now) => now === "healthy",
    );
  });
});
