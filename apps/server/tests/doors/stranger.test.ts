import { request as httpRequest } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import { type Person, startConsole, type TestConsole } from "../support/console.ts";
import { startGateway, type TestGateway } from "../support/mcp/gateway.ts";

/** What somebody without a token can and cannot do, and the page of another site that a user has open. */

const session = "/api/v1/session";

async function signIn(running: TestConsole, { token }: Person, headers: Record<string, string> = {}) {
  return running.request(session, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ token }),
  });
}

const cookieOf = (response: Response): string => response.headers.get("set-cookie") ?? "";

describe("the session cookie", () => {
  it("goes over https only, and is bound to this very host, where people come by https", async () => {
    const running = await startConsole({ config: { publicUrl: "https://ciclo.example.com" } });
    const person = await running.person("admin");
    const response = await signIn(running, person);
    expect(cookieOf(response)).toMatch(
      /^__Host-ciclo_session=[0-9a-f]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    const cookie = cookieOf(response).split(";")[0] ?? "";
    expect((await running.request(session, { headers: { cookie } })).status).toBe(200);
    const renamed = cookie.replace("__Host-", "");
    expect((await running.request(session, { headers: { cookie: renamed } })).status).toBe(401);
  });

  it("is for http where there is nothing else, on the machine itself", async () => {
    const running = await startConsole();
    const set = cookieOf(await signIn(running, await running.person("admin")));
    expect(set).toMatch(/^ciclo_session=/);
    expect(set).not.toContain("Secure");
  });
});

describe("the page of another site", () => {
  let running: TestConsole;
  let admin: Person;
  let cookie: string;
  let csrf: string;
  beforeAll(async () => {
    running = await startConsole({ config: { publicUrl: "https://ciclo.example.com" } });
    admin = await running.person("admin");
    const response = await signIn(running, admin);
    cookie = cookieOf(response).split(";")[0] ?? "";
    csrf = ((await response.json()) as { csrf_token: string }).csrf_token;
  });
  const foreign: [string, Record<string, string>][] = [
    ["by its origin", { origin: "https://evil.example" }],
    ["by an origin that only begins like ours", { origin: "https://ciclo.example.com.evil.example" }],
    ["by ours without TLS", { origin: "http://ciclo.example.com" }],
    ["by an origin that is hidden", { origin: "null" }],
    ["by what the browser says", { "sec-fetch-site": "cross-site" }],
    ["beside us", { "sec-fetch-site": "same-site" }],
  ];
  it.each(foreign)("neither signs anybody in nor uses a session: told %s", async (_, headers) => {
    const opened = await signIn(running, admin, headers);
    expect([opened.status, cookieOf(opened)]).toEqual([403, ""]);
    expect((await running.request(session, { headers: { ...headers, cookie } })).status).toBe(403);
    const written = await running.request("/api/v1/config/chat", {
      method: "POST",
      headers: { ...headers, cookie, "x-ciclo-csrf": csrf, "content-type": "application/json" },
      body: JSON.stringify({ message: "olá" }),
    });
    expect(written.status).toBe(403);
  });

  it.each([
    ["our own", { origin: "https://ciclo.example.com", "sec-fetch-site": "same-origin" }],
    ["an address that was typed", { "sec-fetch-site": "none" }],
    ["the machine itself", { origin: "http://localhost", host: "localhost" }],
  ])("is told from %s", async (_, headers: Record<string, string>) => {
    expect((await signIn(running, admin, headers)).status).toBe(201);
    expect((await running.request(session, { headers: { ...headers, cookie } })).status).toBe(200);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])(
    "cannot send a form as if it were JSON: %s",
    async (type) => {
      const response = await signIn(running, admin, { "content-type": type });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        errors: [{ path: "content-type", message: "send application/json" }],
      });
    },
  );

  it("leaves programs with a token alone, whatever page they run in", async () => {
    const response = await running.request(session, {
      headers: { authorization: `Bearer ${admin.token}`, origin: "https://tool.example" },
    });
    expect(response.status).toBe(200);
  });
});

describe("a name that is not this console's", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway(
      [],
      {},
      { config: { publicUrl: "https://ciclo.example.com", host: "ciclo.internal" } },
    );
  });
  /** By hand: `fetch` writes the header itself. */
  const statusFor = (host: string, path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      httpRequest(`${gateway.url}${path}`, { headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on("error", reject)
        .end();
    });
  const routes = [
    "/",
    "/sign-in",
    "/healthz",
    "/readyz",
    "/api/docs",
    "/api/v1/openapi.json",
    "/api/v1/session",
    "/mcp",
    "/mcp/ciclo",
    "/.well-known/oauth-protected-resource",
  ];

  it.each(routes)("is refused at %s", async (path) => {
    for (const host of [
      "evil.example",
      "ciclo.example.com.evil.example",
      "127.0.0.1.evil.example",
      "evil.example:80",
    ])
      expect(await statusFor(host, path), host).toBe(403);
    for (const host of [
      "localhost",
      "127.0.0.1:1",
      "[::1]:80",
      "10.1.2.3",
      "ciclo.example.com",
      "CICLO.internal:8787",
    ])
      expect(await statusFor(host, path), host).not.toBe(403);
  });
});

describe("what anybody may send", () => {
  it("is small where nobody has to prove who they are", async () => {
    const running = await startConsole();
    const response = await running.request(session, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: "x".repeat(20_000) }),
    });
    expect(response.status).toBe(413);
  });

  it("is bounded in all, so that many who send slowly do not fill the memory; who comes later is served", async () => {
    const gateway = await startGateway([]);
    const person = await gateway.person("planner");
    const headers = { authorization: `Bearer ${person.token}`, "content-type": "application/json" };
    const piece = Buffer.alloc(4 * 1024 * 1024, " ");
    const sent = Array.from({ length: 40 }, (_, index) => {
      const path = index % 2 === 0 ? "/mcp" : "/api/v1/config/plan";
      const request = httpRequest(`${gateway.url}${path}`, { method: "POST", headers });
      const status = new Promise<number>((resolve) => {
        request.on("response", (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        request.on("error", () => resolve(0));
      });
      request.write(piece);
      return { request, status };
    });
    // The first that is refused says that the bound is reached; the others are still sending.
    expect(await Promise.race(sent.map(({ status }) => status))).toBe(429);
    for (const { request } of sent) request.destroy();
    await Promise.all(sent.map(({ status }) => status));
    const answer = await person.client.call("getSession");
    expect(answer.user.email).toBe(person.email);
  });
});
