import { writeFileSync } from "node:fs";
import { symlinkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Planned, Problem } from "@ciclo/contract";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type Person,
  planWith,
  problemOf,
  startConsole,
  submitWith,
  type TestConsole,
} from "./support/console.ts";
import { branches, git } from "./support/git.ts";
import { temporaryFolder } from "./support/temporary.ts";

/** In two parts, so that no scanner takes this file for a leak. */
const awsKeyId = ["AKIA", "QWERTYUIOPASDFGH"].join("");

let running: TestConsole;
let author: Person;
let base: string;
beforeAll(async () => {
  running = await startConsole();
  author = await running.person("planner", "approver", "admin");
  base = git(running.git, "rev-parse", "main");
});

const post = async (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Problem> => {
  const response = await running.request(`/api/v1${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${author.token}`, ...headers },
    body,
  });
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return (await response.json()) as Problem;
};

const nothingHappened = async (): Promise<void> => {
  expect(branches(running.git)).toEqual(["main"]);
  expect(git(running.git, "rev-parse", "main")).toBe(base);
  expect((await author.client.call("listChanges", { query: {} })).items).toEqual([]);
};

describe("bodies", () => {
  it.each([
    ["cut off", '{"intent": "add_agent"'],
    ["empty", ""],
    ["not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d])],
    ["XML", "<plan/>"],
  ])("answers 400 to a body that is %s", async (_, body) => {
    const problem = await post("/config/plan", body);
    expect(problem).toMatchObject({ status: 400, code: "invalid_payload", errors: [{ path: "body" }] });
  });

  it("lists every field that is wrong, missing or unknown", async () => {
    const problem = await post("/config/plan", JSON.stringify({ payload: [], threadId: 7, colour: "red" }));
    expect(problem.status).toBe(400);
    expect(problem.errors?.map(({ path }) => path).toSorted()).toEqual([
      "colour",
      "intent",
      "payload",
      "threadId",
    ]);
  });

  it("says what is wrong in Portuguese too", async () => {
    const problem = await post("/config/plan", JSON.stringify({ colour: "red" }), {
      "accept-language": "pt-BR",
    });
    expect(problem.errors).toContainEqual({ path: "colour", message: "campo desconhecido" });
    expect(problem.errors).toContainEqual({ path: "intent", message: "é obrigatório" });
  });

  it("answers 413 to 10 MB, with and without a declared length", async () => {
    const large = `{"message": "${"a".repeat(10_000_000)}"}`;
    expect(await post("/config/chat", large)).toMatchObject({ status: 413, code: "too_large" });
    const stream = new ReadableStream({
      start(controller) {
        for (let part = 0; part < 100; part += 1) controller.enqueue(new Uint8Array(100_000).fill(97));
        controller.close();
      },
    });
    const response = await running.request("/api/v1/config/chat", {
      method: "POST",
      headers: { authorization: `Bearer ${author.token}` },
      body: stream,
      duplex: "half",
    });
    expect(response.status).toBe(413);
  });

  it("answers 404 to an unknown route, and 400 to a made-up cursor", async () => {
    expect((await running.request("/api/v1/nothing")).status).toBe(404);
    const headers = { authorization: `Bearer ${author.token}` };
    expect((await running.request("/api/v1/changes?cursor=made-up", { headers })).status).toBe(400);
    expect((await running.request("/api/v1/changes?limit=0", { headers })).status).toBe(400);
  });
});

describe("requests for plans", () => {
  it.each([
    [
      "an unknown intent",
      "paint_it",
      {},
      "intent",
      "add_agent, onboard_server, import_servers, edit_server, accept_tools, edit_policies",
    ],
    ["a missing name", "add_agent", {}, "agent_name", "required"],
    ["a name that is no slug", "add_agent", { agent_name: "../x" }, "agent_name", "lower-case"],
    ["an agent that exists", "add_agent", { agent_name: "assistant" }, "agent_name", "assistant"],
    [
      "an unknown policy",
      "edit_policies",
      { policy_id: "nope", changes: { a: 1 } },
      "policy_id",
      "spend-guard",
    ],
    ["an unknown agent", "remove_agent", { agent_name: "nope" }, "agent_name", "assistant"],
    [
      "no change at all",
      "edit_policies",
      { policy_id: "cost", changes: { defaults: { timeout_s: 60 } } },
      "payload",
      "already",
    ],
    [
      "both ways to reach it",
      "add_agent",
      { agent_name: "x", endpoint: "https://a.example", command: "b" },
      "command",
      "both",
    ],
    [
      "a plain credential",
      "add_agent",
      { agent_name: "x", auth: { Authorization: "hunter2" } },
      "auth.Authorization",
      "secret:",
    ],
  ])("refuses %s and says what would do", async (_, intent, payload, path, hint) => {
    const problem = await problemOf(planWith(author, intent, payload));
    expect(problem).toMatchObject({ status: 400, code: "invalid_payload" });
    const error = problem.errors?.find((each) => each.path === path);
    expect(error?.message).toContain(hint);
    await nothingHappened();
  });

  it.each([
    "../outside.md",
    "docs/../../etc/passwd.md",
    "/etc/passwd.md",
    "docs/.git/hooks.md",
    "docs/.GIT/x.md",
    "docs/git~1/x.md",
    "C:/x.md",
    "docs\\x.md",
    "docs//x.md",
    "docs/\u0007.md",
    `docs/${"a".repeat(600)}.md`,
    "src/x.md",
  ])("refuses to write to %j", async (target_path) => {
    const problem = await problemOf(
      planWith(author, "generate_artifact", { artifact_type: "adr", target_path }),
    );
    expect(problem).toMatchObject({
      status: 400,
      code: "invalid_payload",
      errors: [{ path: "target_path" }],
    });
  });

  it("names file and line where a policy would not fit its schema", async () => {
    const changes = { limits: { monthly_usd: "a lot" } };
    const problem = await problemOf(planWith(author, "edit_policies", { policy_id: "spend-guard", changes }));
    expect(problem).toMatchObject({ status: 422, code: "patch_rejected" });
    expect(problem.errors?.[0]?.path).toBe("policies/spend-guard.yaml:7");
    expect(problem.errors?.[0]?.message).toContain("limits.monthly_usd");
  });

  it.each([
    ["an AWS key id", `id ${awsKeyId}`],
    [
      "a private key",
      `-----BEGIN RSA PRIVATE KEY-----\n${"MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn\n".repeat(4)}-----END RSA PRIVATE KEY-----`,
    ],
    ["a GitHub token", `ghp_${"a1B2c3D4e5".repeat(3)}f6G7h8`],
  ])("refuses %s, by line and without repeating it", async (_, secret) => {
    const payload = { artifact_type: "runbook", target_path: "docs/run.md", parameters: { act: secret } };
    const problem = await problemOf(planWith(author, "generate_artifact", payload));
    expect(problem).toMatchObject({ status: 422, code: "patch_rejected" });
    expect(problem.errors?.[0]?.path).toMatch(/^docs\/run\.md:\d+$/);
    const events = await author.client.call("listAudit", { query: { limit: 5 } });
    for (const line of secret.split("\n")) {
      expect(JSON.stringify(problem)).not.toContain(line);
      expect(JSON.stringify(events)).not.toContain(line);
    }
  });
});

describe("patches that are not what was planned", () => {
  let planned: Planned;
  beforeAll(async () => {
    planned = await planWith(author, "add_agent", { agent_name: "catalog", capabilities: ["chat"] });
  });
  const submit = (changed: Partial<Planned>) => problemOf(submitWith(author, { ...planned, ...changed }));

  const extra = (path: string, mode = "100644", line = "x") =>
    `diff --git a/${path} b/${path}\nnew file mode ${mode}\nindex 0000000000000000000000000000000000000000..587be6b4c3f93f93c489c0111bba5596147a26cb\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${line}\n`;

  it.each([
    ["is no patch", () => "hello", "unified diff"],
    ["is cut off", (patch: string) => patch.slice(0, -30), "differs from its plan"],
    [
      "does not apply",
      (patch: string) =>
        patch.replace("new file mode 100644\n", "").replace("/dev/null", "a/agents/catalog/README.md"),
      "git:",
    ],
    ["has CRLF line ends", (patch: string) => patch.replaceAll("\n", "\r\n"), "line ends"],
    [
      "touches a file that the plan does not name",
      (patch: string) => patch + extra("policies/extra.yaml"),
      "differs from its plan",
    ],
    ["leads out of the repository", (patch: string) => patch + extra("../../etc/cron.d/x"), ".. segments"],
    ["leads into .git", (patch: string) => patch + extra("docs/.git/config"), ".git"],
    ["is absolute", (patch: string) => patch + extra("/etc/passwd"), "relative"],
    ["makes a symbolic link", (patch: string) => patch + extra("docs/link", "120000"), "symbolic links"],
    [
      "adds a submodule",
      (patch: string) => patch + extra("docs/sub", "160000", "Subproject commit 0"),
      "submodules",
    ],
    ["makes a program", (patch: string) => patch + extra("docs/run.sh", "100755"), "modes"],
    [
      "is binary",
      (patch: string) =>
        `${patch}diff --git a/docs/x.bin b/docs/x.bin\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\nliteral 1\nIcmZPo0000\n\n`,
      "binary",
    ],
    [
      "carries a secret",
      (patch: string) => patch.replace("+name: catalog", `+name: ${awsKeyId}`),
      "differs from its plan",
    ],
  ])("a patch that %s", async (_, change: (patch: string) => string, hint) => {
    const problem = await submit({ patch: change(planned.patch) });
    expect(problem).toMatchObject({ status: 422, code: "patch_rejected" });
    expect(problem.errors?.map(({ message }) => message).join("\n")).toContain(hint);
    await nothingHappened();
  });

  it.each([
    ["summary", { summary: "Harmless" }],
    ["risks", { risks: [] }],
    ["base_commit", { base_commit: "0".repeat(40) }],
    ["approval_rules", { approval_rules: [] }],
  ])("a plan whose %s was edited after planning", async (field, edit) => {
    const problem = await submit({ plan: { ...planned.plan, ...edit } });
    expect(problem).toMatchObject({ status: 422, code: "patch_rejected" });
    expect(problem.errors?.map(({ path }) => path)).toContain(`plan.${field}`);
    await nothingHappened();
  });

  it("a plan that this console did not make", async () => {
    const problem = await submit({ plan: { ...planned.plan, id: "add-agent-catalog-zzzzzz" } });
    expect(problem).toMatchObject({ status: 422, errors: [{ path: "plan.id" }] });
  });

  it("a submission without what it needs, every field listed", async () => {
    const problem = await post("/config/apply", "{}");
    expect(problem.status).toBe(400);
    expect(problem.errors?.map(({ path }) => path)).toEqual(["plan", "patch", "actor"]);
    const half = await post(
      "/config/apply",
      JSON.stringify({ plan: { id: "x" }, patch: "", actor: "A", actor_email: "a@example.com" }),
    );
    expect(half.errors?.every(({ path }) => path.startsWith("plan."))).toBe(true);
    const body = JSON.stringify({ plan: planned.plan, patch: planned.patch, actor: "A" });
    expect(await post("/config/apply", body)).toMatchObject({
      status: 400,
      errors: [{ path: "actor_email" }],
    });
    const wrong = JSON.stringify({
      plan: { ...planned.plan, status: "done", more: 1 },
      actor: "",
      colour: 1,
    });
    const paths = (await post("/config/apply", wrong)).errors?.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["plan.status", "plan.more", "patch", "actor", "colour"]));
    await nothingHappened();
  });

  it("but the plan itself goes through a dry run, which writes nothing", async () => {
    const result = await submitWith(author, planned, { mode: "dry_run", actor_email: undefined });
    expect(result).toMatchObject({ status: "pending", mode: "dry_run", record_id: null, commit_sha: null });
    await nothingHappened();
  });
});

describe("repositories that are odd", () => {
  it("does not write through symbolic links, nor read what is not UTF-8", async () => {
    const folder = await temporaryFolder();
    git(folder, "init", "--quiet", "--initial-branch=main");
    mkdirSync(join(folder, "agents/latin"), { recursive: true });
    symlinkSync("/etc", join(folder, "docs"));
    writeFileSync(
      join(folder, "agents/latin/agent.yaml"),
      Buffer.from("name: latin\ntitle: caf\xe9\n", "latin1"),
    );
    writeFileSync(join(folder, "policies.txt"), "x");
    git(folder, "add", ".");
    git(folder, "commit", "--quiet", "-m", "start");
    const odd = await startConsole({ config: { configRepository: folder } });
    const planner = await odd.person("planner");
    const payload = { artifact_type: "adr", target_path: "docs/adr/0001-x.md" };
    const problem = await problemOf(planWith(planner, "generate_artifact", payload));
    expect(problem).toMatchObject({ status: 422, code: "patch_rejected" });
    expect(problem.errors?.[0]?.message).toContain("symbolic link");
    expect((await planWith(planner, "add_agent", { agent_name: "fine" })).plan.diffs).toHaveLength(2);
  });
});
