import { beforeAll, describe, expect, it } from "vitest";
import { openPolicies, pushFiles } from "../support/config.ts";
import { type Person, planWith, problemOf, startConsole } from "../support/console.ts";

const registry = `# Who owns what: see the wiki
servers:
  - id: catalog
    title: Catalog # ours
    transport: streamable_http
    url: https://catalog.example.com/mcp
    headers:
      Authorization: Bearer secret:catalog/TOKEN
    timeouts:
      call_ms: 5000
  - id: files
    title: Files
    transport: stdio
    command: files
`;

describe("a plan that changes a server", () => {
  let planner: Person;
  beforeAll(async () => {
    const running = await startConsole();
    pushFiles(running.git, { ...openPolicies(), "mcp-registry.yaml": registry });
    planner = await running.person("planner");
  });
  const edit = (server: string, changes: Record<string, unknown>) =>
    planWith(planner, "edit_server", { server, changes });

  it("sets the fields named, and leaves the others and the comments", async () => {
    const { plan, patch } = await edit("catalog", {
      url: "https://catalog.example.com/v2/mcp",
      timeouts: null,
      limits: { concurrent_calls: 8 },
    });
    expect(plan.id).toMatch(/^edit-server-catalog/);
    const changed = patch.split("\n").filter((line) => /^[+-] /.test(line));
    expect(changed).toEqual([
      "-    url: https://catalog.example.com/mcp",
      "+    url: https://catalog.example.com/v2/mcp",
      "-    timeouts:",
      "-      call_ms: 5000",
      "+    limits:",
      "+      concurrent_calls: 8",
    ]);
  });

  it.each([
    ["nobody", { title: "x" }, "server", /no server nobody; there are: catalog, files/],
    ["catalog", {}, "changes", /is required/],
    ["catalog", { id: "other" }, "changes.id", /an id stays/],
  ])("refuses %s %j", async (server, changes, path, message) => {
    const { errors } = await problemOf(edit(server, changes));
    expect(errors?.[0]).toMatchObject({ path, message: expect.stringMatching(message) });
  });

  it.each([
    ["a plain credential", { headers: { Authorization: "Bearer plain-credential-1234567890" } }],
    ["what its transport does not use", { command: "rm" }],
    ["what no entry has", { colour: "red" }],
  ])("refuses an entry with %s, and repeats no credential", async (_, changes) => {
    const problem = await problemOf(edit("catalog", changes));
    expect(problem.errors?.[0]?.path).toMatch(/mcp-registry.yaml|servers/);
    expect(JSON.stringify(problem)).not.toContain("plain-credential");
  });
});
