import { openSandbox } from "../src/lib/sandbox.ts";
import { randomUUID } from "node:crypto";
import { text } from "@ciclo/contract";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { databaseUnavailable } from "../src/db/unavailable.ts";
import { type Database, openSqliteDatabase } from "../src/db/dialect.ts";
import { createServers } from "../src/features/servers/index.ts";
import { system } from "../src/domain/actor.ts";
import { EventBus } from "../src/lib/events.ts";
import { createLogger } from "../src/lib/logger.ts";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "./support/config.ts";
import { decideWith, planWith, startConsole, submitWith } from "./support/console.ts";
import { eventually } from "./support/eventually.ts";
import { fixture, remote, shakeHands } from "./support/mcp/handshake.ts";
import { listen, modernEcho } from "./support/mcp/http-servers.ts";
import { processesWith } from "./support/processes.ts";

describe("what runs in the background", () => {
  it("leaves audit entries without the request of whoever set it off", async () => {
    const running = await startConsole();
    const hub = await modernEcho();
    pushFiles(running.git, { ...openPolicies(), "mcp-registry.yaml": registryOf([remote(hub.url)]) });
    await running.features.servers.workers.start();
    const planner = await running.person("planner");
    // A request that finds the server away sets off that it is connected to again.
    await hub.close();
    const probed = await running.request("/api/v1/servers/remote/probe", {
      method: "POST",
      headers: { authorization: `Bearer ${planner.token}`, "x-request-id": "somebodys-request" },
    });
    expect(probed.status).toBe(200);
    await planner.client.call("probeServer", { params: { id: "remote" } });
    const { items } = await eventually(
      () => planner.client.call("listAudit", { query: { action: "server.state_changed" } }),
      (page) => page.items.length > 0,
    );
    for (const { metadata } of items) expect(metadata).not.toHaveProperty("request_id");
    await running.features.servers.workers.stop();
  });

  it("begins a canary that breaks off again, by itself", async () => {
    const real = await openSqliteDatabase(":memory:");
    let failures = 2;
    const database: Database = {
      ...real,
      exclusively: (key, work) => {
        if (!key.startsWith("canary:") || failures === 0) return real.exclusively(key, work);
        failures -= 1;
        return Promise.reject(databaseUnavailable(text("away", "fora"), null));
      },
    };
    const running = await startConsole({ database });
    pushFiles(running.git, {
      ...openPolicies(),
      ...newToolsAllowed,
      "policies/canary.yaml": stringify({
        id: "canary",
        kind: "canary",
        title: "Canary",
        probes: 1,
        interval_s: 1,
        max_latency_ms: 30_000,
        max_error_rate: 0.3,
      }),
    });
    await running.features.servers.workers.start();
    await running.features.canary.workers.start();
    const [planner, approver] = [await running.person("planner"), await running.person("approver")];
    const { url } = await modernEcho();
    const { approval_id, plan_id } = await submitWith(
      planner,
      await planWith(planner, "add_agent", { agent_name: "probed", endpoint: url }),
    );
    await decideWith(approver, approval_id, "approve");
    const { canary } = await eventually(
      () => planner.client.call("getChange", { params: { plan_id } }),
      (change) => change.canary?.status === "passed",
    );
    expect(canary?.samples).toHaveLength(1);
    expect(failures).toBe(0);
    await running.features.servers.workers.stop();
  });

  it("judges a server that replaces another by the lock and policies of the moment it does", async () => {
    const running = await startConsole();
    const first = await modernEcho();
    const gate = Promise.withResolvers<void>();
    const registry = (url: string) => ({ "mcp-registry.yaml": registryOf([remote(url)]) });
    pushFiles(running.git, { ...openPolicies(), ...newToolsAllowed, ...registry(first.url) });
    await running.features.servers.workers.start();
    const second = await modernEcho();
    const slow = await slowly(second.url, gate.promise);
    pushFiles(running.git, registry(slow.url));
    const replacing = running.servers.reconcile();
    await eventually(
      () => Promise.resolve(slow.requests.length),
      (requests) => requests > 0,
    );
    // While it connects, a policy lands that offers no tool that nobody approved.
    pushFiles(running.git, {
      "policies/access.yaml": stringify({
        id: "access",
        kind: "access",
        title: "Tool access",
        default: "allow",
        rules: [],
      }),
    });
    const taken = running.servers.reconcile();
    gate.resolve();
    await Promise.all([replacing, taken]);
    const link = await eventually(
      () => Promise.resolve(running.servers.find("remote")?.link),
      (found) => found?.connection !== null && found?.spec.target?.server.url === slow.url,
    );
    expect(link?.tools.map(({ name, reason }) => [name, reason === null])).toContainEqual(["echo", false]);
    await running.features.servers.workers.stop();
  });

  it("ends the process that a handshake was starting when it was given up", async () => {
    const mark = `mark-${randomUUID()}`;
    const giveUp = new AbortController();
    const shaking = shakeHands(fixture("grandchild", mark), {
      signal: giveUp.signal,
      deps: {
        async folderOf() {
          // From here the process is started without anything to wait for in between.
          queueMicrotask(() => giveUp.abort(new Error("given up")));
          return process.cwd();
        },
      },
    });
    expect((await shaking).error).not.toBeNull();
    expect(processesWith(mark)).toEqual([]);
  });

  it("does not quarantine a server whose key cannot be read just now", async () => {
    const running = await startConsole();
    const hub = await modernEcho({ token: "key" });
    pushFiles(running.git, {
      ...openPolicies(),
      ...newToolsAllowed,
      "mcp-registry.yaml": registryOf([
        { ...remote(hub.url), headers: { authorization: "Bearer secret:hub/TOKEN" } },
      ]),
    });
    await running.keys.add(system, { provider: "hub", name: "TOKEN", value: "key" }, "en");
    let isAway = true;
    const logger = createLogger("silent");
    const { queries } = running.database;
    const servers = createServers({
      queries,
      transaction: running.audit.transaction,
      clock: () => new Date(),
      logger,
      bus: new EventBus(logger),
      repository: running.features.configRepo.service.repository,
      home: running.home,
      version: "0",
      ownId: "test",
      environment: {},
      sandbox: openSandbox(""),
      hidden: [],
      async ring() {
        const ring = await running.keys.ring();
        return {
          ...ring,
          reveal: (reference) =>
            isAway ? Promise.reject(databaseUnavailable(text("away", "fora"), null)) : ring.reveal(reference),
        };
      },
    });
    await servers.workers.start();
    expect(servers.service.find("remote")?.link).toMatchObject({
      state: "quarantined",
      trouble: { en: expect.stringContaining("cannot be read just now") as string },
    });
    isAway = false;
    await eventually(
      () => Promise.resolve(servers.service.find("remote")?.link.state),
      (state) => state === "healthy",
    );
    // Nor is one disturbed that is connected already, when its key is asked for again.
    isAway = true;
    pushFiles(running.git, {
      "mcp-registry.yaml": registryOf([
        {
          ...remote(hub.url),
          headers: { authorization: "Bearer secret:hub/TOKEN" },
          limits: { concurrent_calls: 3 },
        },
      ]),
    });
    await expect(servers.service.reconcile()).rejects.toThrow("keys of servers cannot be read");
    expect(servers.service.find("remote")?.link.state).toBe("healthy");
    await servers.workers.stop();
  });
});

/** Another server's address behind one that holds every answer back until it may go. */
async function slowly(url: string, mayGo: Promise<void>) {
  return listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      void (async () => {
        await mayGo;
        const { method } = request;
        const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
          typeof value === "string" && !["host", "connection", "content-length"].includes(name)
            ? [[name, value]]
            : [],
        );
        const answer = await fetch(url, {
          method: method ?? "GET",
          headers,
          ...(method === "POST" ? { body: Buffer.concat(chunks) } : {}),
        });
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(Buffer.from(await answer.arrayBuffer()));
      })();
    });
  });
}
