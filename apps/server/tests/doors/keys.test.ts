import { isPlaceholder, type Planned } from "@ciclo/contract";
import { beforeAll, describe, expect, it } from "vitest";
import { openPolicies, pushFiles, registryOf } from "../support/config.ts";
import {
  decideWith,
  type Person,
  problemOf,
  startConsole,
  submitWith,
  type TestConsole,
} from "../support/console.ts";
import { stores } from "../support/databases.ts";
import { eventually } from "../support/eventually.ts";
import { remote } from "../support/mcp/handshake.ts";
import { echoServer, legacyEcho, listen } from "../support/mcp/http-servers.ts";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { toNodeHandler } from "@modelcontextprotocol/node";

/** Whose a key is, from the plan that brings it to the day on which it is revoked. */

const id = { provider: "hub", name: "TOKEN" };
const reference = "secret:hub/TOKEN";

describe.each(stores)("revoking a key wins, whatever is in flight (%s)", (_, open) => {
  let running: TestConsole;
  let approver: Person;
  beforeAll(async () => {
    running = await startConsole({ database: await open() });
    approver = await running.person("approver");
  });
  const add = (value = "first") => approver.client.call("addKey", { body: { ...id, value } });
  const revoke = () => approver.client.call("revokeKey", { params: id });
  const standing = async () => {
    const ring = await running.keys.ring();
    return [(await running.keys.list("en"))[0]?.state, ring.versionOf(reference)];
  };

  it("against rotations that begin at the same moment, in whatever order they come", async () => {
    for (let round = 0; round < 12; round += 1) {
      await add();
      const rotate = () =>
        approver.client.call("rotateKey", {
          params: id,
          body: { value: `next-${round}`, force: round % 2 === 0 },
        });
      const order =
        round % 3 === 0
          ? [revoke, rotate, rotate]
          : round % 3 === 1
            ? [rotate, revoke, rotate]
            : [rotate, rotate, revoke];
      await Promise.allSettled(order.map((each) => each()));
      await eventually(
        async () => (await running.keys.list("en"))[0]?.state,
        (state) => state !== "rotating",
      );
      expect(await standing()).toEqual(["revoked", null]);
    }
  });

  it("and a ring that was made before hands it out no more", async () => {
    await add();
    const ring = await running.keys.ring();
    expect(await ring.reveal(reference)).toBe("first");
    await revoke();
    await expect(ring.reveal(reference)).rejects.toThrow(/No key/);
  });

  it("and the database itself keeps one value in use at most", async () => {
    await add();
    const row = await running.database.queries
      .selectFrom("key_versions")
      .selectAll()
      .where("state", "=", "active")
      .executeTakeFirstOrThrow();
    const second = running.database.queries
      .insertInto("key_versions")
      .values({ ...row, version: row.version + 1 });
    await expect(second.execute()).rejects.toThrow(/unique/i);
    await revoke();
  });
});

describe("a key that is revoked during its handshake", () => {
  it("is not put in use when that ends well", async () => {
    const [reached, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const handle = toNodeHandler(createMcpHandler(() => echoServer({}), { legacy: "stateless" }));
    const slow = await listen((request, response) => {
      if (request.headers.authorization !== "second") {
        void handle(request, response);
        return;
      }
      reached.resolve();
      void release.promise.then(() => handle(request, response));
    });
    const running = await startConsole();
    const approver = await running.person("approver");
    await approver.client.call("addKey", { body: { ...id, value: "first" } });
    pushFiles(running.git, {
      ...openPolicies(),
      "mcp-registry.yaml": registryOf([
        { ...remote(slow.url), id: "hub", headers: { Authorization: reference } },
      ]),
    });
    await running.features.servers.workers.start();
    const { id: rotation } = await approver.client.call("rotateKey", {
      params: id,
      body: { value: "second" },
    });
    await reached.promise;
    await approver.client.call("revokeKey", { params: id });
    release.resolve();
    const ended = await eventually(
      () => approver.client.call("getRotation", { params: { id: rotation } }),
      ({ status }) => status !== "running",
    );
    expect(ended.status).toBe("rejected");
    expect(ended.detail).toMatch(/revoked meanwhile/);
    expect((await running.keys.ring()).versionOf(reference)).toBeNull();
    await running.features.servers.workers.stop();
  });
});

describe("a revoked name", () => {
  it("comes back to life by the right to rotate, where servers take it", async () => {
    const running = await startConsole();
    const [planner, approver] = [await running.person("planner"), await running.person("approver")];
    const add = ({ client }: Person) => client.call("addKey", { body: { ...id, value: "again" } });
    await add(planner);
    pushFiles(running.git, {
      "mcp-registry.yaml": registryOf([
        { ...remote("https://hub.example/mcp"), id: "hub", headers: { Authorization: reference } },
      ]),
    });
    await approver.client.call("revokeKey", { params: id });
    expect(await problemOf(add(planner))).toMatchObject({ status: 403, code: "insufficient_permission" });
    expect((await running.keys.ring()).versionOf(reference)).toBeNull();
    expect(await add(approver)).toMatchObject({ state: "active" });
    // Nobody takes it any more: it is a new key like any other.
    await approver.client.call("revokeKey", { params: id });
    pushFiles(running.git, { "mcp-registry.yaml": registryOf([]) });
    expect(await add(planner)).toMatchObject({ state: "active" });
  });
});

describe("a key that comes with a plan", () => {
  async function start() {
    const running = await startConsole();
    const { url } = await legacyEcho();
    pushFiles(running.git, openPolicies());
    await running.features.servers.workers.start();
    const onboard = ({ client }: Person, value: string) =>
      client.call("onboard", {
        body: {
          repository: "acme/tools",
          intent: "plan",
          agent_name: "hub",
          endpoint: url,
          auth: { TOKEN: value },
        },
      }) as Promise<Planned>;
    const people = [
      await running.person("planner"),
      await running.person("planner"),
      await running.person("approver"),
    ] as const;
    const value = async () => {
      const ring = await running.keys.ring();
      return ring.versionOf(reference) === null ? null : ring.reveal(reference);
    };
    return { running, people, onboard, value };
  }

  it("is stored when that is submitted, and in nobody's reach before", async () => {
    const { running, people, onboard, value } = await start();
    const planned = await onboard(people[0], "value-of-ana");
    expect(await running.keys.list("en")).toEqual([]);
    expect(await value()).toBeNull();
    const rows = await running.database.queries.selectFrom("offered_keys").selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain("value-of-ana");
    await submitWith(people[0], planned);
    expect(await value()).toBe("value-of-ana");
  });

  it("is that of who submits, whoever else offered one with the same plan", async () => {
    const { people, onboard, value } = await start();
    const planned = await onboard(people[0], "value-of-ana");
    const same = await onboard(people[1], "value-of-mallory");
    expect(same.plan.id).toBe(planned.plan.id);
    await submitWith(people[0], planned);
    expect(await value()).toBe("value-of-ana");
  });

  it("goes with the plan that comes to nothing, and stays with one that lands", async () => {
    const { running, people, onboard, value } = await start();
    const [ana, , approver] = people;
    const rejected = await submitWith(ana, await onboard(ana, "first-value"));
    await decideWith(approver, rejected.approval_id, "reject", "not this one");
    await running.keys.settleOffered();
    expect(await value()).toBeNull();
    expect((await running.keys.list("en"))[0]).toMatchObject({ state: "revoked" });
    const landed = await submitWith(ana, await onboard(ana, "second-value"));
    await decideWith(approver, landed.approval_id, "approve");
    await running.keys.settleOffered();
    expect(await value()).toBe("second-value");
    expect(await running.database.queries.selectFrom("offered_keys").selectAll().execute()).toEqual([]);
  });

  it("is forgotten where nobody submits it", async () => {
    const { running, people, onboard } = await start();
    await onboard(people[0], "never-submitted");
    expect(await running.keys.purgeOffered("2000-01-01T00:00:00.000Z", 100)).toBe(0);
    expect(await running.keys.purgeOffered("2999-01-01T00:00:00.000Z", 100)).toBe(1);
    // Those that are left are the console's own.
    const left = await running.database.queries.selectFrom("data_keys").select("id").orderBy("id").execute();
    expect(left.map(({ id }) => id)).toEqual(["audit checkpoint", "cycle manifests"]);
  });
});

describe("what only stands for a key", () => {
  const placeholders = [
    "YOUR_API_KEY",
    "your-token-here",
    "<token>",
    "<YOUR KEY>",
    "xxx",
    "XXXXXXXX",
    "***",
    "",
    " ",
    "$TOKEN",
    "${TOKEN}",
    "${env:TOKEN}",
    "{env:TOKEN}",
    "{{token}}",
    "%TOKEN%",
    "changeme",
    "[token]",
    "Bearer <token>",
    "...",
    "undefined",
    "null",
    "none",
    "sk-...",
    "sk-proj-your-key",
    "ghp_xxxxxxxxxxxxxxxxxxxx",
    "my-secret-token",
    "sua-chave-aqui",
    "coloque-seu-token",
    "troque-me",
    "***REDACTED***",
    '""',
    "__TOKEN__",
    "process.env.TOKEN",
    "$(cat token)",
    "op://vault/item/field",
    "test",
    "$env:TOKEN",
    "${{ secrets.TOKEN }}",
    "{TOKEN}",
    "<<TOKEN>>",
    "ghp_***",
    "–",
    "os.environ['TOKEN']",
    "coloque_aqui",
    "postgres://USER:PASSWORD@HOST/DB",
  ];
  it.each(placeholders)("is never one: %s", async (value) => {
    expect(isPlaceholder(value)).toBe(true);
    const running = await startConsole();
    const approver = await running.person("planner", "approver");
    expect(await problemOf(approver.client.call("addKey", { body: { ...id, value } }))).toMatchObject({
      status: 400,
    });
    const asked = approver.client.call("onboard", {
      body: {
        repository: "x",
        intent: "validate",
        agent_name: "x",
        endpoint: "https://hub.example/mcp",
        auth: { TOKEN: value },
      },
    });
    expect((await problemOf(asked)).errors?.[0]?.path).toBe("auth.TOKEN");
    const { servers } = await approver.client.call("importServers", {
      body: {
        client: "cursor",
        contents: JSON.stringify({
          mcpServers: { x: { url: "https://hub.example/mcp", headers: { "X-Api-Key": value } } },
        }),
      },
    });
    expect(servers[0]?.reason ?? "").toMatch(/the value stands elsewhere|policies/);
    expect(await running.database.queries.selectFrom("offered_keys").selectAll().execute()).toEqual([]);
  });

  it("is no reference to another key either", async () => {
    const running = await startConsole();
    const approver = await running.person("approver");
    const { errors } = await problemOf(
      running
        .clientOf(approver.token, "pt-BR")
        .call("addKey", { body: { ...id, value: "secret:hub/OTHER" } }),
    );
    expect(errors).toMatchObject([
      { path: "value", message: expect.stringMatching(/refere-se a uma chave/) as string },
    ]);
  });

  it.each([
    "sk-live-4f9a",
    "hunter2",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
    '{"type": "service_account"}',
    "mysecret1",
    "a$b",
    "$2b$10$abc",
    "my-horse-eats-hay",
    "sk-0000-4f9a",
    "$ecretPass1",
    "a${b}c9KdL",
    "your-9Kdj2mXq",
    "%9K2b%",
    '{"a":"${b}"}',
  ])("does not include %j", (value) => {
    expect(isPlaceholder(value)).toBe(false);
  });
});
