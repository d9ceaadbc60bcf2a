import { type Endpoint, endpoints } from "@ciclo/contract";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Person, startConsole, type TestConsole } from "./support/console.ts";

let running: TestConsole;
let person: Person;
beforeAll(async () => {
  running = await startConsole();
  person = await running.person("viewer", "planner", "approver", "admin");
});

describe("whatever is sent", () => {
  const writes = Object.entries<Endpoint>(endpoints).filter(([, { body }]) => body !== undefined);
  const words = [
    "plan",
    "patch",
    "actor",
    "intent",
    "payload",
    "message",
    "approval_id",
    "approval_decision",
    "plan_id",
    "roles",
    "token",
    "threadId",
    "__proto__",
    "constructor",
  ];
  const body = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc
      .dictionary(fc.constantFrom(...words), fc.jsonValue({ maxDepth: 3 }))
      .map((value) => JSON.stringify(value)),
    fc.string({ maxLength: 200 }),
  );

  it.each(writes)("%s answers with a problem, never with 500", async (_, { method, path }) => {
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const response = await running.request(`/api/v1${path.replace(/\{\w+\}/g, "x")}`, {
          method,
          headers: { authorization: `Bearer ${person.token}` },
          body: sent,
        });
        expect(response.status).toBeLessThan(500);
        expect(response.headers.get("x-request-id")).toMatch(/^[\w-]+$/);
      }),
      { numRuns: 40 },
    );
  });

  it("takes no message for a change that plans by accident what it cannot explain", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 }), async (message) => {
        const response = await running.request("/api/v1/config/chat", {
          method: "POST",
          headers: { authorization: `Bearer ${person.token}` },
          body: JSON.stringify({ message }),
        });
        expect([200, 400]).toContain(response.status);
      }),
      { numRuns: 60 },
    );
  });
});

describe("documents", () => {
  it("describe every operation in OpenAPI 3.1", async () => {
    const response = await running.request("/api/v1/openapi.json");
    const document = (await response.json()) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string; parameters: unknown[] }>>;
    };
    expect(document.openapi).toBe("3.1.0");
    const references = JSON.stringify(document).match(/"\$ref":"[^"]*"/g);
    expect(new Set(references)).toEqual(new Set(['"$ref":"#/components/schemas/Problem"']));
    const operations = Object.values(document.paths).flatMap((item) =>
      Object.values(item).map(({ operationId }) => operationId),
    );
    expect(operations.toSorted()).toEqual(Object.keys(endpoints).toSorted());
    expect(document.paths["/api/v1/changes/{plan_id}"]?.get?.parameters).toMatchObject([
      { name: "plan_id", in: "path", required: true },
    ]);
  });

  it.each(["en", "pt-BR"])("are readable in %s under a strict policy", async (language) => {
    const response = await running.request("/api/docs", { headers: { "accept-language": language } });
    const page = await response.text();
    expect(response.status).toBe(200);
    expect(page).toContain(`<html lang="${language}">`);
    expect(page).not.toMatch(/<script>|<style>| style=| onclick=/);
    expect((await running.request(/href="([^"]+\.css)"/.exec(page)?.[1] ?? "")).status).toBe(200);
  });

  it("answer health without a token", async () => {
    expect(await (await running.request("/healthz")).json()).toEqual({ status: "ok" });
    expect(await (await running.request("/readyz")).json()).toEqual({ status: "ok" });
  });
});

describe("the web console", () => {
  const page = { headers: { accept: "text/html,*/*" } };

  it.each(["/", "/changes/add-agent-x?tab=plan", "/sign-in", "/assistant/some-thread"])(
    "answers %s with its page, under a strict policy",
    async (path) => {
      const response = await running.request(path, page);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toContain("text/html");
      expect(response.headers.get("cache-control")).toBe("no-cache");
      const policy = response.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'");
      // WebAssembly may be compiled, for the player of recordings; no text is run as a script or a style.
      expect(policy.replace("'wasm-unsafe-eval'", "")).not.toContain("unsafe");
      expect(await response.text()).not.toMatch(/<script>|<style>| style=| onclick=|https?:\/\//);
    },
  );

  it("gives its files for good, compressed, because their names change with their contents", async () => {
    const html = await (await running.request("/", page)).text();
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? "";
    const response = await running.request(script, { headers: { "accept-encoding": "gzip, br" } });
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(response.headers.get("content-encoding")).toBe("br");
    expect(response.headers.get("content-type")).toContain("javascript");
  });

  it.each([
    "/assets/gone.js",
    "/api/v1/nothing",
    "/api/nothing",
    "/mcp/nothing",
    "/../package.json",
    "/%2e%2e/x",
  ])("does not pass off %s as a page", async (path) => {
    const response = await running.request(path, { headers: { accept: "*/*" } });
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });
});
