import { createHash } from "node:crypto";
import { type Endpoint, endpoints, intents, permissions, type Role, roles } from "@ciclo/contract";
import { beforeAll, describe, expect, it } from "vitest";
import { system } from "../src/domain/actor.ts";
import { settableClock } from "./support/clock.ts";
import { type Person, problemOf, startConsole, type TestConsole } from "./support/console.ts";

const protectedEndpoints = Object.entries<Endpoint>(endpoints).filter(
  ([, { access }]) => access !== "public",
);
const allowed = ({ access }: Endpoint): readonly Role[] =>
  access === "public" ? roles : access.flatMap((permission): readonly Role[] => permissions[permission]);

describe("the permission table", () => {
  let running: TestConsole;
  const people = new Map<string, Person>();
  beforeAll(async () => {
    running = await startConsole();
    for (const role of roles) people.set(role, await running.person(role));
    people.set("no role", await running.person());
  });

  const call = ({ method, path }: Endpoint, headers: Record<string, string>): Promise<Response> =>
    running.request(`/api/v1${path.replace(/\{\w+\}/g, "x")}`, {
      method,
      headers,
      ...(method === "GET" || method === "DELETE" ? {} : { body: "{}" }),
    });

  it.each(protectedEndpoints)("%s: no token gets 401", async (_, endpoint) => {
    const response = await call(endpoint, {});
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ code: "unauthenticated", status: 401 });
  });

  const cases = protectedEndpoints.flatMap(([name, endpoint]) =>
    [...roles, "no role"].map((role) => ({
      name,
      role,
      endpoint,
      may: allowed(endpoint).includes(role as Role),
    })),
  );

  it.each(cases.filter(({ may }) => !may))("$name: $role gets 403", async ({ endpoint, role }) => {
    const response = await call(endpoint, { authorization: `Bearer ${people.get(role)?.token}` });
    expect(response.status).toBe(403);
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    expect(code).toBe("insufficient_permission");
    for (const role_ of allowed(endpoint)) expect(detail).toContain(role_);
  });

  it.each(cases.filter(({ may }) => may))("$name: $role is let in", async ({ endpoint, role }) => {
    const response = await call(endpoint, { authorization: `Bearer ${people.get(role)?.token}` });
    expect([200, 201, 204, 400, 404]).toContain(response.status);
  });

  it("names the roles in Portuguese to who asks in Portuguese", async () => {
    const client = running.clientOf(people.get("viewer")?.token, "pt-BR,pt;q=0.9,en;q=0.5");
    const problem = await problemOf(client.call("plan", { body: { intent: "add_agent", payload: {} } }));
    expect(problem.detail).toBe("Permissão insuficiente. Requer: planner");
  });

  it("writes each refusal to the audit log", async () => {
    const { queries } = running.database;
    const { count } = await queries
      .selectFrom("audit_events")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("status", "=", "refused")
      .where("metadata", "like", "%insufficient_permission%")
      .executeTakeFirstOrThrow();
    expect(count).toBeGreaterThanOrEqual(cases.filter(({ may }) => !may).length);
  });
});

describe("tokens", () => {
  it("accepts a row that was inserted by hand with SQL", async () => {
    const running = await startConsole();
    const token = "f".repeat(64);
    const hash = createHash("sha256").update(token).digest("hex");
    await running.database.queries
      .insertInto("users")
      .values({ name: "By hand", email: "hand@example.com", api_token_hash: hash })
      .execute();
    const user = await running.users.find({ email: "hand@example.com" });
    expect(user.id).toMatch(/^[0-9a-f]{32}$/);
    expect(await problemOf(running.clientOf(token).call("getChat"))).toMatchObject({ status: 403 });
    await running.database.queries
      .insertInto("user_roles")
      .values({ user_id: user.id, role_id: "viewer" })
      .execute();
    expect((await running.clientOf(token).call("getChat")).intents).toHaveLength(intents.length);
  });

  it.each([
    ["no scheme", "abc"],
    ["another scheme", "Basic abc"],
    ["an empty token", "Bearer "],
    ["an unknown token", `Bearer ${"0".repeat(64)}`],
    ["a token with spaces", "Bearer a b"],
    ["a very long token", `Bearer ${"a".repeat(5000)}`],
  ])("refuses %s with 401", async (_, authorization) => {
    const running = await startConsole();
    const response = await running.request("/api/v1/config/chat", { headers: { authorization } });
    expect(response.status).toBe(401);
  });

  it("stores only the hash, and notes when a token was last used", async () => {
    const running = await startConsole();
    const admin = await running.person("admin");
    const { items } = await admin.client.call("listUsers");
    expect(items[0]).toMatchObject({
      has_token: true,
      last_used_at: expect.stringMatching(/^\d{4}-/) as string,
    });
    const dump = JSON.stringify(await running.database.queries.selectFrom("users").selectAll().execute());
    expect(dump).not.toContain(admin.token);
    expect(dump).toContain(createHash("sha256").update(admin.token).digest("hex"));
  });

  it("cuts off an expired, revoked, rotated or disabled one at once", async () => {
    const clock = settableClock();
    const running = await startConsole({ clock });
    const admin = await running.person("admin");
    const viewer = await running.person("viewer");
    const reaches = async (token: string): Promise<boolean> => {
      const { status } = await running.request("/api/v1/changes", {
        headers: { authorization: `Bearer ${token}` },
      });
      return status === 200;
    };
    const expires_at = "2026-01-01T01:00:00.000Z";
    const { token } = await admin.client.call("rotateToken", {
      params: { id: viewer.id },
      body: { expires_at },
    });
    expect([await reaches(viewer.token), await reaches(token)]).toEqual([false, true]);
    clock.advance(3_600_000);
    expect(await reaches(token)).toBe(false);

    const second = await admin.client.call("rotateToken", { params: { id: viewer.id }, body: {} });
    expect(await reaches(second.token)).toBe(true);
    await admin.client.call("revokeToken", { params: { id: viewer.id } });
    expect(await reaches(second.token)).toBe(false);

    const third = await admin.client.call("rotateToken", { params: { id: viewer.id }, body: {} });
    await admin.client.call("disableUser", { params: { id: viewer.id } });
    expect(await reaches(third.token)).toBe(false);
    const late = admin.client.call("rotateToken", { params: { id: viewer.id }, body: {} });
    expect(await problemOf(late)).toMatchObject({ status: 403, code: "policy_denied" });
  });

  it("refuses a weak or taken token, a taken mailbox, and to lose the last admin", async () => {
    const running = await startConsole();
    const admin = await running.person("admin");
    const create = (body: object) => problemOf(admin.client.call("createUser", { body: body as never }));
    expect(await create({ name: "A", email: "a@example.com", token: "short" })).toMatchObject({
      status: 400,
      errors: [{ path: "token" }],
    });
    expect(await create({ name: "A", email: "a@example.com", token: admin.token })).toMatchObject({
      status: 400,
      errors: [{ path: "token" }],
    });
    expect(await create({ name: "A", email: admin.email.toUpperCase() })).toMatchObject({
      code: "already_exists",
    });
    expect(
      await problemOf(admin.client.call("setUserRoles", { params: { id: admin.id }, body: { roles: [] } })),
    ).toMatchObject({
      code: "policy_denied",
    });
    expect(await problemOf(admin.client.call("disableUser", { params: { id: admin.id } }))).toMatchObject({
      code: "policy_denied",
    });
  });

  it("takes no expiry that lies in the past", async () => {
    const running = await startConsole();
    const { client, id } = await running.person("admin");
    const past = "2020-01-01T00:00:00Z";
    const problem = await problemOf(
      client.call("createUser", {
        body: { name: "Late", email: "late@example.com", token_expires_at: past },
      }),
    );
    expect(problem.errors).toEqual([{ path: "token_expires_at", message: "lies in the past" }]);
    const rotated = await problemOf(
      client.call("rotateToken", { params: { id }, body: { expires_at: past } }),
    );
    expect(rotated.errors?.[0]?.path).toBe("expires_at");
  });

  it("records requests that bring nothing, and not a flood of them", async () => {
    const running = await startConsole();
    const { client } = await running.person("viewer");
    for (let count = 0; count < 60; count += 1) {
      const response = await running.request("/api/v1/changes");
      expect(response.status).toBe(401);
    }
    expect((await running.request("/api/v1/session")).status).toBe(401);
    const { items } = await client.call("listAudit", { query: { action: "http.listChanges", limit: 200 } });
    expect(items).toHaveLength(20);
    expect((await client.call("listAudit", { query: { action: "http.getSession" } })).items).toEqual([]);
  });

  it("limits failures per address, and never a valid token", async () => {
    const clock = settableClock();
    const running = await startConsole({ clock });
    const viewer = await running.person("viewer");
    const attempt = (token: string) =>
      running.request("/api/v1/changes", { headers: { authorization: `Bearer ${token}` } });
    const statuses = [];
    for (let index = 0; index < 25; index += 1) statuses.push((await attempt("f".repeat(64))).status);
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
    expect(statuses.slice(20)).toEqual([429, 429, 429, 429, 429]);
    expect((await attempt("f".repeat(64))).headers.get("retry-after")).toBe("60");
    expect((await attempt(viewer.token)).status).toBe(200);
    clock.advance(60_000);
    expect((await attempt("f".repeat(64))).status).toBe(401);
  });
});

describe("sessions", () => {
  const signIn = async (running: TestConsole, body: object) => {
    const response = await running.request("/api/v1/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { response, cookie: response.headers.get("set-cookie") ?? "" };
  };

  it("exchanges a token for an HttpOnly cookie that reads, and writes with its CSRF token only", async () => {
    const running = await startConsole();
    const admin = await running.person("admin");
    const { response, cookie } = await signIn(running, { token: admin.token });
    expect(response.status).toBe(201);
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    const session = (await response.json()) as { csrf_token: string; permissions: string[] };
    expect(session.permissions).toContain("manage_access");
    const headers = { cookie: cookie.split(";")[0] ?? "" };
    expect((await running.request("/api/v1/users", { headers })).status).toBe(200);

    const write = (more: Record<string, string>) =>
      running.request("/api/v1/users", {
        method: "POST",
        headers: { ...headers, "content-type": "application/json", ...more },
        body: JSON.stringify({ name: "N", email: "n@example.com" }),
      });
    const refused = await write({});
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      403,
      "csrf_required",
    ]);
    expect((await write({ "x-ciclo-csrf": "wrong" })).status).toBe(403);
    expect((await write({ "x-ciclo-csrf": session.csrf_token })).status).toBe(201);

    const out = { ...headers, "x-ciclo-csrf": session.csrf_token };
    expect((await running.request("/api/v1/session", { method: "DELETE", headers: out })).status).toBe(204);
    expect((await running.request("/api/v1/users", { headers })).status).toBe(401);
  });

  it("opens by a one-time link once, and within 15 minutes", async () => {
    const clock = settableClock();
    const running = await startConsole({ clock });
    const operator = await running.users.createFirstOperator();
    if (operator === null) throw new Error("there was a user already");
    expect(operator.roles).toEqual(["admin", "approver", "planner", "viewer"]);
    expect(await running.users.createFirstOperator()).toBeNull();
    const link = await running.sessions.createLink(system, operator);
    expect((await signIn(running, { link })).response.status).toBe(201);
    expect((await signIn(running, { link })).response.status).toBe(401);
    const late = await running.sessions.createLink(system, operator);
    clock.advance(15 * 60_000);
    expect((await signIn(running, { link: late })).response.status).toBe(401);
  });

  it("ends after 12 hours, and when the user is disabled", async () => {
    const clock = settableClock();
    const running = await startConsole({ clock });
    await running.person("admin");
    const viewer = await running.person("viewer");
    const first = await signIn(running, { token: viewer.token });
    const read = (cookie: string) =>
      running.request("/api/v1/changes", { headers: { cookie: cookie.split(";")[0] ?? "" } });
    expect((await read(first.cookie)).status).toBe(200);
    clock.advance(12 * 3_600_000);
    expect((await read(first.cookie)).status).toBe(401);
    const second = await signIn(running, { token: viewer.token });
    await running.users.disable(system, { id: viewer.id });
    expect((await read(second.cookie)).status).toBe(401);
  });
});
