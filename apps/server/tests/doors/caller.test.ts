import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient } from "@ciclo/contract";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "../support/config.ts";
import type { Person } from "../support/console.ts";
import { newPostgresUrl } from "../support/databases.ts";
import { eventually } from "../support/eventually.ts";
import { git, gitWith } from "../support/git.ts";
import { callOf, post, bearer, startGateway, type TestGateway } from "../support/mcp/gateway.ts";
import { remote } from "../support/mcp/handshake.ts";
import { echoServer, legacyEcho, listen, modernEcho } from "../support/mcp/http-servers.ts";
import {
  beginSession,
  openEvents,
  openSession,
  type OpenStream,
  openSubscription,
} from "../support/mcp/streams.ts";
import { startProcess } from "../support/process.ts";
import { provision } from "../support/provision.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** What somebody with a token can and cannot do, and no longer does once it is taken away. */

const accessPolicy = (rules: object[]) => ({
  "policies/access.yaml": stringify({
    id: "access",
    kind: "access",
    title: "Tool access",
    default: "deny",
    new_tools: "allow",
    rules,
  }),
});
const everything = { servers: ["*"], tools: ["*"], effect: "allow" };

/** Whether each stream ends; names those that go on. */
async function goingOn(streams: readonly OpenStream[]): Promise<string[]> {
  const left = new Set(streams.map(({ name }) => name));
  for (const { name, ended } of streams) void ended.then(() => left.delete(name));
  await eventually(
    () => Promise.resolve(left.size),
    (size) => size === 0,
  ).catch(() => {});
  return [...left];
}

describe("what somebody follows", () => {
  /** A console with everything open that can be, for one person; a server whose handshake hangs among it. */
  async function startFollowing() {
    const [legacy, modern, hanging] = [await legacyEcho(), await modernEcho(), await hangingEcho()];
    const gateway = await startGateway([
      { ...remote(legacy.url), id: "legacy" },
      { ...remote(modern.url), id: "modern" },
      { ...remote(hanging.url), id: "keyed", headers: { Authorization: "Bearer secret:keyed/TOKEN" } },
    ]);
    const admin = await gateway.person("admin", "approver");
    await admin.client.call("addKey", { body: { provider: "keyed", name: "TOKEN", value: "first" } });
    await eventually(
      () => Promise.resolve(gateway.servers.list("en")),
      (servers) => servers.every(({ state }) => state === "healthy"),
    );
    hanging.hang();
    const rotation = await admin.client.call("rotateKey", {
      params: { provider: "keyed", name: "TOKEN" },
      body: { value: "second" },
    });
    const person = await gateway.person("planner");
    const session = await beginSession(gateway, "/mcp/legacy", person);
    const slow = post(gateway, "/mcp/legacy", callOf("slow", { ms: 100_000 }), {
      ...bearer(person),
      "mcp-session-id": session,
    }).then(
      () => "ended" as const,
      () => "ended" as const,
    );
    const ofGateway = [
      await openSession(gateway, "/mcp/legacy", person, session),
      await openSubscription(gateway, "/mcp/modern", person),
      await openSubscription(gateway, "/mcp/legacy", person),
      { name: "a call under way", status: 200, ended: slow },
    ];
    const ofConsole = [
      await openSubscription(gateway, "/mcp", person),
      await openEvents(gateway, "/events", person),
      await openEvents(gateway, `/keys/rotations/${rotation.id}/events`, person),
    ];
    expect([...ofGateway, ...ofConsole].map(({ name, status }) => `${name} ${status}`)).toEqual(
      [...ofGateway, ...ofConsole].map(({ name }) => `${name} 200`),
    );
    return { gateway, admin, person, ofGateway, ofConsole };
  }

  const losses: [string, (gateway: TestGateway, admin: Person, person: Person) => Promise<unknown>][] = [
    ["is disabled", (_, { client }, { id }) => client.call("disableUser", { params: { id } })],
    [
      "loses the last role",
      (_, { client }, { id }) => client.call("setUserRoles", { params: { id }, body: { roles: [] } }),
    ],
    ["has the token revoked", (_, { client }, { id }) => client.call("revokeToken", { params: { id } })],
    [
      "gets another token",
      (_, { client }, { id }) => client.call("rotateToken", { params: { id }, body: {} }),
    ],
  ];
  it.each(losses)("ends once who follows it %s", async (_, lose) => {
    const { gateway, admin, person, ofGateway, ofConsole } = await startFollowing();
    await lose(gateway, admin, person);
    expect(await goingOn([...ofGateway, ...ofConsole])).toEqual([]);
  });

  it("ends once the access policy no longer lets its caller use the server, and the rest goes on", async () => {
    const { gateway, ofGateway, ofConsole } = await startFollowing();
    await gateway.push(accessPolicy([{ ...everything, roles: ["approver"] }]));
    expect(await goingOn(ofGateway)).toEqual([]);
    for (const { name, ended } of ofConsole)
      expect(await Promise.race([ended, Promise.resolve(`${name} goes on`)])).toBe(`${name} goes on`);
  });

  it("ends when its token does", async () => {
    const { gateway, admin } = await startFollowing();
    const person = await gateway.person("viewer");
    const expires = new Date(Date.now() + 1500).toISOString();
    const { token } = await admin.client.call("rotateToken", {
      params: { id: person.id },
      body: { expires_at: expires },
    });
    await gateway.features.access.workers.start();
    expect(await goingOn([await openEvents(gateway, "/events", { token })])).toEqual([]);
    await gateway.features.access.workers.stop();
  });

  it("ends when a command beside the console, or another node, takes the access away", async () => {
    const repository = join(await temporaryFolder(), "team.git");
    git(".", "init", "--quiet", "--bare", "--initial-branch=main", repository);
    const first = "commit refs/heads/main\ncommitter Test <test@example.com> 0 +0000\ndata 5\nfirst\n";
    gitWith(first, repository, "fast-import", "--quiet");
    const { url } = await legacyEcho();
    pushFiles(repository, {
      ...openPolicies(),
      ...newToolsAllowed,
      "mcp-registry.yaml": registryOf([{ ...remote(url), id: "echo" }]),
    });
    const shared = {
      CICLO_DATABASE_URL: await newPostgresUrl(),
      CICLO_CONFIG_REPO: repository,
      CICLO_MASTER_KEY: "ab".repeat(32),
    };
    const [home, otherHome] = [await temporaryFolder(), await temporaryFolder()];
    const tokens = await provision(
      { ...shared, CICLO_HOME: home },
      { root: ["admin", "planner", "approver"], ana: ["planner"], bia: ["planner"], caio: ["planner"] },
    );
    const [one, two] = await Promise.all([
      startProcess({ ...shared, CICLO_HOME: home }),
      startProcess({ ...shared, CICLO_HOME: otherHome }),
    ]);
    const person = (name: string) => ({ token: tokens[name] ?? "" });
    const follow = async (name: string): Promise<OpenStream[]> => {
      const session = await eventually(
        () => beginSession(two, "/mcp/echo", person(name)),
        (id) => id !== "",
      );
      return [
        await openSession(two, "/mcp/echo", person(name), session),
        await openEvents(two, "/events", person(name)),
      ];
    };
    const [ofAna, ofBia, ofCaio] = [await follow("ana"), await follow("bia"), await follow("caio")];

    const root = createClient({ baseUrl: one.url, token: tokens["root"] ?? "", locale: "en" });
    const { items } = await root.call("listUsers");
    await root.call("disableUser", { params: { id: items.find(({ name }) => name === "ana")?.id ?? "" } });
    expect(await goingOn(ofAna)).toEqual([]);

    const bin = fileURLToPath(new URL("../../bin/ciclo.mjs", import.meta.url));
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...shared,
      CICLO_HOME: await temporaryFolder(),
    };
    await promisify(execFile)(process.execPath, [bin, "user", "disable", "bia@example.com"], { env });
    expect(await goingOn(ofBia)).toEqual([]);

    const planned = await root.call("plan", {
      body: {
        intent: "edit_policies",
        payload: {
          policy_id: "access",
          changes: { rules: [{ ...everything, roles: ["approver"] }] },
        },
      },
    });
    const submitted = await root.call("apply", {
      body: {
        plan: planned.plan,
        patch: planned.patch,
        actor: "root",
        actor_email: "root@example.com",
      } as never,
    });
    await root.call("apply", {
      body: { approval_id: submitted.approval_id ?? "", approval_decision: "approve" },
    });
    expect(await goingOn(ofCaio.slice(0, 1))).toEqual([]);
    await Promise.all([one.stop(), two.stop()]);
  });
});

/** A server that takes any key, until it is told to keep those who come with another one waiting. */
async function hangingEcho() {
  let hangs = false;
  const handle = toNodeHandler(createMcpHandler(() => echoServer({}), { legacy: "stateless" }));
  const { url } = await listen((request, response) => {
    if (!hangs || request.headers.authorization === "Bearer first") void handle(request, response);
  });
  return { url, hang: () => void (hangs = true) };
}
