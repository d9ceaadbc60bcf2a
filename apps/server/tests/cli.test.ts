import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "./support/eventually.ts";
import { type ServerProcess, startProcess } from "./support/process.ts";
import { temporaryFolder } from "./support/temporary.ts";

const bin = fileURLToPath(new URL("../bin/ciclo.mjs", import.meta.url));
let home: string;
let server: ServerProcess;
let environment: Record<string, string>;

type Ran = { code: number; stdout: string; stderr: string };

const ciclo = (
  args: string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Ran> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...environment, ...options.env };
    const child = execFile(process.execPath, [bin, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
    child.stdin?.end(options.input ?? "");
  });
const json = async <T>(args: string[], options = {}): Promise<T> => {
  const { stdout, stderr } = await ciclo([...args, "--json"], options);
  if (stdout === "") throw new Error(stderr);
  expect(stdout.trim().split("\n")).toHaveLength(1);
  return JSON.parse(stdout) as T;
};

beforeAll(async () => {
  home = await temporaryFolder();
  environment = { CICLO_HOME: home };
  server = await startProcess(environment);
  const { token } = await json<{ token: string }>(["token", "rotate", "operator@ciclo.local"]);
  environment = { ...environment, CICLO_URL: server.url, CICLO_TOKEN: token };
});
afterAll(() => server.stop());

describe("help", () => {
  it("shows every command, and for each its usage with examples", async () => {
    const overview = await ciclo([]);
    expect(overview.code).toBe(0);
    expect(overview.stdout).toContain("Exit codes: 0 done, 1 refused or failed, 2 not understood.");
    for (const name of [
      "user add",
      "user list",
      "user grant",
      "user revoke",
      "user disable",
      "token rotate",
      "token revoke",
      "token hash",
      "run-token create",
      "run-token list",
      "run-token end",
      "run-pause list",
      "run-pause raise",
      "run-pause reroute",
      "run-pause stop",
      "cycle start",
      "cycle list",
      "cycle show",
      "cycle log",
      "cycle manifest",
      "cycle key",
      "cycle verify",
      "cycle approve",
      "cycle reject",
      "cycle send-back",
      "cycle answer",
      "cycle pause",
      "cycle resume",
      "cycle cancel",
      "chat",
      "plan",
      "apply",
      "approve",
      "reject",
      "rollback",
      "changes",
      "audit verify",
      "audit export",
    ]) {
      expect(overview.stdout).toContain(`ciclo ${name}`);
      const help = await ciclo([...name.split(" "), "--help"]);
      expect(help.stdout).toMatch(/Usage: ciclo [\s\S]*Examples:\n {2}\S/);
    }
  });

  it.each([
    [["paint", "it"], "no command paint\nciclo --help lists them\n"],
    [["paint", "--help"], "no command paint\n"],
    [["servers", "import", "cursor", "/nowhere.json"], "/nowhere.json: ENOENT"],
    [["audit", "export", "--out", "/nowhere/audit.jsonl"], "/nowhere/audit.jsonl: ENOENT"],
    [["token", "paint"], "no command token paint\n  ciclo token rotate"],
    [["user", "add"], "--name"],
    [
      ["user", "add", "--name", "A", "--email", "a@example.com", "--role", "king"],
      "viewer, planner, approver, admin",
    ],
    [["user", "grant", "a@example.com"], "usage:"],
    [["plan", "paint_it"], "add_agent"],
    [["plan", "add_agent", "--set", "nothing"], "key=value"],
    [["apply", "no-such-file.json"], "no-such-file.json"],
    [["rollback"], "--plan-id"],
    [["changes", "--limit", "abc"], "--limit takes a whole number, not abc"],
    [["chat", "a", "--colour"], "colour"],
  ])("answers %j with exit code 2 and what it takes", async (args, hint) => {
    const { code, stdout, stderr } = await ciclo(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(hint);
  });
});

describe("users and tokens", () => {
  it("adds a user with a token from standard input, and refuses a short one", async () => {
    const token = "c".repeat(64);
    const user = await json<{ id: string; roles: string[]; token: string }>(
      ["user", "add", "--name", "Bot", "--email", "Bot@example.com", "--role", "viewer", "--token-stdin"],
      { input: `${token}\n` },
    );
    expect(user).toEqual({ id: user.id, name: "Bot", email: "bot@example.com", roles: ["viewer"], token });
    const short = await ciclo(["user", "add", "--name", "B", "--email", "b@example.com", "--token-stdin"], {
      input: "short",
    });
    expect(short.code).toBe(1);
    expect(short.stderr).toContain("token");
    const hash = await json<{ hash: string }>(["token", "hash"], { input: token });
    expect(hash.hash).toBe(createHash("sha256").update(token).digest("hex"));
  });

  it("grants, revokes, lists, disables; errors in the caller's language", async () => {
    await json(["user", "add", "--name", "Eva", "--email", "eva@example.com"]);
    expect(await json(["user", "grant", "eva@example.com", "planner"])).toMatchObject({ roles: ["planner"] });
    expect(await json(["user", "revoke", "eva@example.com", "planner"])).toMatchObject({ roles: [] });
    expect(await json(["token", "revoke", "eva@example.com"])).toMatchObject({ has_token: false });
    expect(await json(["user", "disable", "eva@example.com"])).toMatchObject({
      disabled_at: expect.any(String) as string,
    });
    expect((await ciclo(["user", "list"])).stdout).toMatch(/eva@example\.com .*disabled/);
    expect(await json(["user", "enable", "eva@example.com"])).toMatchObject({ disabled_at: null });
    const unknown = await ciclo(["user", "disable", "who@example.com"], { env: { LANG: "pt_BR.UTF-8" } });
    expect([unknown.code, unknown.stdout]).toEqual([1, ""]);
    expect(unknown.stderr).toContain("não existe");
  });

  it.each<[string, RegExp[]]>([
    [
      "claude-code",
      [
        /^export ANTHROPIC_BASE_URL=".+\/llm\/anthropic"$/m,
        /^export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1"$/m,
        /^export OTEL_LOGS_EXPORTER="otlp"$/m,
        /^export OTEL_LOG_USER_PROMPTS="0"$/m,
        /^export OTEL_LOG_TOOL_DETAILS="0"$/m,
      ],
    ],
    [
      "codex",
      [
        /^base_url = ".+\/llm\/openai\/v1"$/m,
        /^env_key = "CICLO_TOKEN"$/m,
        /^\[analytics\]\s+enabled = false$/m,
        /^\[features\]\s+plugins = false$/m,
        /^log_user_prompt = false$/m,
        /endpoint = ".+\/otlp\/v1\/logs"/,
      ],
    ],
    [
      "gemini-cli",
      [
        /^export GOOGLE_GEMINI_BASE_URL=".+\/llm\/google"$/m,
        /"usageStatisticsEnabled": false/,
        /^export GEMINI_TELEMETRY_LOG_PROMPTS="false"$/m,
      ],
    ],
    [
      "qwen-code",
      [
        /^export OPENAI_BASE_URL=".+\/llm\/openai\/v1"$/m,
        /"usageStatisticsEnabled": false/,
        /^export QWEN_TELEMETRY_LOG_PROMPTS="false"$/m,
      ],
    ],
    [
      "copilot-cli",
      [
        /^export COPILOT_PROVIDER_BASE_URL=".+\/llm\/openai\/v1"$/m,
        /^export COPILOT_OFFLINE="true"$/m,
        /^export OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="false"$/m,
      ],
    ],
    [
      "opencode",
      [
        /"baseURL": ".+\/llm\/openai\/v1"/,
        /^export OPENCODE_DISABLE_AUTOUPDATE="1"$/m,
        /"share": "disabled"/,
        /"openTelemetry": true/,
      ],
    ],
  ])(
    "sets %s up for the console's models and telemetry, without its token and without prompts",
    async (agent, lines) => {
      const { stdout, code } = await ciclo(["llm", "client", agent, "--telemetry"]);
      expect(code).toBe(0);
      for (const line of lines) expect(stdout).toMatch(line);
      expect(stdout).toContain("CICLO_TOKEN");
      expect(stdout).not.toMatch(/[0-9a-f]{64}/);
      const quiet = await ciclo(["llm", "client", agent]);
      expect(quiet.stdout).not.toMatch(/otlp/i);
    },
  );

  it("gives a run a token of its own, lists it and ends it", async () => {
    const made = await json<{ id: string; token: string }>([
      "run-token",
      "create",
      "--run",
      "ci-1",
      "--pull-request",
      "hub#12",
    ]);
    expect(made).toMatchObject({ run: "ci-1", pull_request: "hub#12", phase: null });
    const refused = await ciclo(["changes"], { env: { CICLO_TOKEN: made.token } });
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toContain("This is the token of a run");
    expect((await ciclo(["run-token", "list"])).stdout).toMatch(/ci-1 {2}hub#12 {2}Operator {2}until /);
    expect((await ciclo(["run-token", "end", made.id])).stdout).toContain("Ended: ");
    expect((await ciclo(["run-token", "list"])).stdout).toContain("No live tokens of runs");
    expect((await ciclo(["run-token", "end", made.id])).stderr).toContain("See: ciclo run-token list");
    expect((await ciclo(["run-token", "create"])).code).toBe(2);
    expect((await ciclo(["run-pause", "list"])).stdout).toContain("No paused runs");
    for (const amount of ["some", "0x10", "1e2", "0"])
      expect((await ciclo(["run-pause", "raise", "x", amount])).stderr).toContain("is no amount");
    expect((await ciclo(["run-pause", "stop", "x"])).stderr).toContain("See: ciclo run-pause list");
  });

  it("prints no colours into a pipe", async () => {
    expect((await ciclo(["changes"])).stdout).not.toContain("\u001B");
  });
});

describe("changes", () => {
  it("plans with --set, refuses a tampered file, submits, rejects, shows", async () => {
    const file = join(home, "plan.json");
    const planned = await json<{ plan: { id: string; summary: string }; patch: string }>([
      "plan",
      "edit_policies",
      "--set",
      "policy_id=spend-guard",
      "--set",
      "changes.limits.monthly_usd=900",
      "--set",
      "changes.alert_at=[0.9]",
      "--out",
      file,
    ]);
    expect(planned.patch).toContain("+  monthly_usd: 900");
    const tampered = join(home, "tampered.json");
    writeFileSync(tampered, JSON.stringify({ ...planned, plan: { ...planned.plan, summary: "Harmless" } }));
    const refused = await ciclo(["apply", tampered]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("plan.summary: was changed after planning");
    expect(await json(["apply", file, "--dry-run"])).toMatchObject({ mode: "dry_run" });
    expect(await json(["apply", file, "--message", "feat: more"])).toMatchObject({ status: "hitl_required" });
    expect(await json(["reject", planned.plan.id, "--reason", "no"])).toMatchObject({ outcome: "rejected" });
    const shown = await ciclo(["changes", planned.plan.id]);
    expect(shown.stdout).toContain("change.rejected");
  });

  it("says when there is no token, and when nobody answers", async () => {
    const noToken = await ciclo(["changes"], { env: { CICLO_TOKEN: "" } });
    expect([noToken.code, noToken.stderr]).toEqual([2, expect.stringContaining("CICLO_TOKEN")]);
    const nobody = await ciclo(["changes"], { env: { CICLO_URL: "http://127.0.0.1:9" } });
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining("npm start")]);
    const wrong = await ciclo(["changes"], { env: { CICLO_TOKEN: "wrong" } });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("[unauthenticated]")]);
  });

  it("verifies and exports the audit log", async () => {
    const verdict = await json<{ ok: boolean; events: number }>(["audit", "verify"]);
    expect(verdict).toMatchObject({ ok: true, first_broken: null });
    const exported = (await ciclo(["audit", "export"])).stdout.trim().split("\n");
    expect(exported.length).toBe(verdict.events);
    expect((JSON.parse(exported[0] ?? "") as { seq: number }).seq).toBe(1);
  });

  it("may add a user before the first start, which then says that nobody is admin", async () => {
    const env = { CICLO_HOME: await temporaryFolder() };
    await json(["user", "add", "--name", "A", "--email", "a@example.com"], { env });
    const first = await startProcess(env);
    await eventually(
      () => Promise.resolve(first.output()),
      (said) => said.includes("npx ciclo user grant EMAIL admin\n"),
    );
    const { roles } = await json<{ roles: string[] }>(["user", "grant", "a@example.com", "admin"], { env });
    expect(roles).toEqual(["admin"]);
    await first.stop();
  });

  it("say in one line which setting leads to a folder that cannot be used", async () => {
    const file = join(await temporaryFolder(), "file");
    writeFileSync(file, "");
    const user = ["user", "add", "--name", "A", "--email", "a@example.com"];
    const ran = await ciclo(user, { env: { CICLO_HOME: join(file, "home") } });
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toMatch(/^CICLO_HOME: ENOTDIR: .*\n$/);
    const broken = await temporaryFolder();
    writeFileSync(join(broken, "ciclo.db"), "this is no database, but a file of another kind".repeat(20));
    const read = await ciclo(["user", "list"], { env: { CICLO_HOME: broken } });
    expect([read.code, read.stdout]).toEqual([2, ""]);
    expect(read.stderr).toMatch(/^CICLO_HOME: .*not a database.*\n$/);
  });

  it.each([
    ["audit", "verify"],
    ["user", "list"],
  ])("%s %s says in one line that the master key is another one", async (...args) => {
    const ran = await ciclo(args, { env: { CICLO_MASTER_KEY: "cd".repeat(32) } });
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toMatch(/^CICLO_MASTER_KEY.*wrapped with master key.*\n$/);
  });

  it.each([
    ["audit", "verify"],
    ["audit", "export"],
    ["user", "list"],
    ["keys", "rotate-master"],
  ])(
    "%s %s finds no data of a console in another folder, says so, and leaves nothing there",
    async (...args) => {
      const elsewhere = join(home, "elsewhere");
      const ran = await ciclo(args, { env: { CICLO_HOME: elsewhere } });
      expect([ran.code, ran.stdout]).toEqual([2, ""]);
      expect(ran.stderr).toContain(`CICLO_HOME: no console has kept its data in ${elsewhere}`);
      expect(existsSync(elsewhere)).toBe(false);
    },
  );
});

describe("settings", () => {
  it.each([
    [{ CICLO_PORT: "eighty" }, "CICLO_PORT"],
    [{ CICLO_DATABASE_URL: "mysql://x" }, "CICLO_DATABASE_URL: takes a postgres://"],
    [{ CICLO_MASTER_KEY: "short" }, "CICLO_MASTER_KEY: takes 64"],
    [{ CICLO_FORGE: "github" }, "CICLO_FORGE_TOKEN: is required"],
    [
      { CICLO_FORGE: "github", CICLO_FORGE_TOKEN: "t", CICLO_FORGE_REPO: "acme/config" },
      "CICLO_CONFIG_REPO: is required",
    ],
    [
      { CICLO_FORGE: "github", CICLO_FORGE_TOKEN: "t", CICLO_CONFIG_REPO: "/srv/c.git" },
      "CICLO_FORGE_REPO: is required",
    ],
    [{ CICLO_FORGE: "svn" }, "CICLO_FORGE"],
  ])("an invalid one stops the process with one line and code 2: %j", async (wrong, hint) => {
    const { code, stdout, stderr } = await ciclo(["user", "list"], { env: wrong });
    expect([code, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
    expect(stderr).toContain(hint);
  });
});
