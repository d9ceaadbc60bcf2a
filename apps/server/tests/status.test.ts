import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  startConsole,
  planWith,
  submitWith,
  decideWith,
  type TestConsole,
  type Person,
} from "./support/console.ts";
import { settableClock } from "./support/clock.ts";
import { openPolicies, pushFiles, registryOf } from "./support/config.ts";
import { eventually } from "./support/eventually.ts";
import { git } from "./support/git.ts";
import { remote } from "./support/mcp/handshake.ts";
import { modernEcho } from "./support/mcp/http-servers.ts";

/** Puts a file on the live branch without Ciclo, as a push by hand would. */
function pushByHand(folder: string, path: string, contents: string): void {
  const work = `${folder}-work`;
  git(".", "clone", "--quiet", folder, work);
  git(work, "checkout", "--quiet", "main");
  writeFileSync(`${work}/${path}`, contents);
  git(work, "add", path);
  git(work, "commit", "--quiet", "-m", "by hand");
  git(work, "push", "--quiet", "origin", "main");
}

async function landed(author: Person, approver: Person, name: string): Promise<string> {
  const { approval_id, plan_id } = await submitWith(
    author,
    await planWith(author, "add_agent", { agent_name: name }),
  );
  await decideWith(approver, approval_id, "approve");
  return plan_id;
}

describe("health and live configuration", () => {
  it("are well on a fresh console, in the caller's language", async () => {
    const console_ = await startConsole();
    const { token } = await console_.person("viewer");
    const health = await console_.clientOf(token, "pt-BR").call("getHealth");
    expect(health.status).toBe("ok");
    expect(health.checks.map(({ id, status }) => [id, status])).toEqual([
      ["database", "ok"],
      ["disk", "ok"],
      ["repository", "ok"],
      ["configuration", "ok"],
      ["changes", "ok"],
      ["servers", "ok"],
      ["sandbox", "ok"],
      ["keys", "ok"],
      ["logs", "ok"],
      ["background", "ok"],
      ["audit", "ok"],
    ]);
    expect(health.checks.find(({ id }) => id === "changes")?.detail).toBe("Nada está parado");
    const live = await console_.clientOf(token).call("getConfiguration");
    expect(live.branch).toBe("main");
    expect(live.commit).toBe(git(console_.git, "rev-parse", "main"));
    expect(live.agents.map(({ name }) => name)).toContain("assistant");
    expect(live.policies.map(({ id }) => id)).toContain("approvals");
  });

  it("names servers that are away or withhold tools, keys that end or failed, in the caller's language", async () => {
    const clock = settableClock();
    const console_ = await startConsole({ clock });
    const hub = await modernEcho();
    pushFiles(console_.git, {
      ...openPolicies(),
      "mcp-registry.yaml": registryOf([
        { ...remote(hub.url), id: "withholding" },
        { ...remote(hub.url), id: "keyless", headers: { authorization: "secret:hub/NONE" } },
        { ...remote("http://127.0.0.1:1/mcp"), id: "away" },
      ]),
    });
    await console_.features.servers.workers.start();
    const person = await console_.person("approver", "planner");
    for (const [name, ends] of [
      ["SOON", "2026-01-05T00:00:00.000Z"],
      ["FAILED", undefined],
    ] as const) {
      const body = { provider: "hub", name, value: "x", ...(ends === undefined ? {} : { expires_at: ends }) };
      await person.client.call("addKey", { body });
    }
    pushFiles(console_.git, {
      "mcp-registry.yaml": registryOf([
        { ...remote(hub.url), id: "withholding" },
        { ...remote(hub.url), id: "keyless", headers: { authorization: "secret:hub/NONE" } },
        { ...remote("http://127.0.0.1:1/mcp"), id: "away", headers: { authorization: "secret:hub/FAILED" } },
      ]),
    });
    await console_.servers.reconcile();
    await person.client.call("rotateKey", {
      params: { provider: "hub", name: "FAILED" },
      body: { value: "y" },
    });
    const health = async (locale: "en" | "pt-BR", id: string) => {
      const { checks } = await console_.clientOf(person.token, locale).call("getHealth");
      return checks.find((check) => check.id === id);
    };
    const keys = await eventually(
      () => health("en", "keys"),
      (check) => check?.detail.includes("FAILED") === true,
    );
    expect(keys).toMatchObject({ status: "degraded" });
    expect(keys?.detail).toContain("secret:hub/SOON ends on 2026-01-05 (UTC)");
    expect(keys?.detail).toContain("the last rotation of secret:hub/FAILED failed");
    const servers = await health("pt-BR", "servers");
    expect(servers).toMatchObject({ status: "degraded" });
    expect(servers?.detail).toContain("keyless está em quarentena");
    expect(servers?.detail).toContain("away está fora do ar");
    expect(servers?.detail).toMatch(/withholding tem \d+ ferramentas retidas/);
    await console_.features.servers.workers.stop();
  });

  it("name background work that keeps failing", async () => {
    const console_ = await startConsole();
    const { client } = await console_.person("viewer");
    await console_.features.servers.workers.start();
    git(console_.git, "update-ref", "-d", "refs/heads/main");
    await expect(console_.servers.reconcile()).rejects.toThrow(/no branch main/);
    const { checks } = await client.call("getHealth");
    expect(checks.find(({ id }) => id === "background")).toMatchObject({
      status: "degraded",
      detail: expect.stringMatching(
        /^following the live configuration failed \d+ times in a row \(.*no branch main/,
      ) as string,
    });
    await console_.features.servers.workers.stop();
  });

  it("are down when the audit log was altered or cut off, and degraded while it cannot be copied", async () => {
    const console_ = await startConsole();
    const { token } = await console_.person("viewer");
    const { queries } = console_.database;
    const audit = async () => {
      const next = await startConsole({ config: { home: console_.home }, database: console_.database });
      await next.features.audit.workers.start();
      const { status, checks } = await next.clientOf(token).call("getHealth");
      await next.features.audit.workers.stop();
      return { overall: status, ...checks.find(({ id }) => id === "audit") };
    };
    expect(await audit()).toMatchObject({ status: "ok" });

    await queries
      .updateTable("audit_checkpoints")
      .set({ root: "0".repeat(44) })
      .execute();
    expect(await audit()).toMatchObject({
      overall: "down",
      status: "down",
      detail: expect.stringMatching(
        /^signing the audit log failed .*was altered; run: ciclo audit verify/,
      ) as string,
    });
    await queries.deleteFrom("audit_checkpoints").execute();
    expect(await audit()).toMatchObject({ status: "ok" });

    const folder = join(console_.home, "audit");
    renameSync(folder, `${folder}-away`);
    writeFileSync(folder, "");
    await queries.deleteFrom("audit_checkpoints").execute();
    await console_.person("viewer");
    expect(await audit()).toMatchObject({
      overall: "degraded",
      status: "degraded",
      detail: expect.stringContaining("the copy of the audit log failed") as string,
    });
    rmSync(folder);
    renameSync(`${folder}-away`, folder);

    expect(await audit()).toMatchObject({ status: "ok" });

    await queries.deleteFrom("audit_events").where("seq", ">", 1).execute();
    expect(await audit()).toMatchObject({
      overall: "down",
      status: "down",
      detail: expect.stringMatching(/^The log's end, entry \d+, is not as the console wrote it/) as string,
    });
  });

  it("name the file that a push by hand broke", async () => {
    const console_ = await startConsole();
    const { client } = await console_.person("viewer");
    pushByHand(console_.git, "policies/cost.yaml", "id: cost\nkind: nothing\n");
    const { status, checks } = await client.call("getHealth");
    expect(status).toBe("degraded");
    expect(checks.find(({ id }) => id === "configuration")?.detail).toContain("policies/cost.yaml");
    const { problems } = await client.call("getConfiguration");
    expect(problems.some(({ path }) => path.startsWith("policies/cost.yaml"))).toBe(true);
  });

  it("are down when the approval policy cannot be used, and when the repository is gone", async () => {
    const console_ = await startConsole();
    const { client } = await console_.person("viewer");
    pushByHand(console_.git, "policies/approvals.yaml", "id: approvals\n");
    expect(await client.call("getHealth")).toMatchObject({ status: "down" });
    git(console_.git, "update-ref", "-d", "refs/heads/main");
    const { checks } = await client.call("getHealth");
    expect(checks.find(({ id }) => id === "repository")).toMatchObject({
      status: "down",
      detail: expect.stringContaining("has no branch main") as string,
    });
  });
});

describe("what a rollback would do", () => {
  async function people(): Promise<{ console_: TestConsole; author: Person; approver: Person }> {
    const console_ = await startConsole();
    return {
      console_,
      author: await console_.person("viewer", "planner"),
      approver: await console_.person("viewer", "approver"),
    };
  }
  const preview = ({ client }: Person, planId: string) =>
    client.call("previewRollback", { params: { plan_id: planId } });

  it("is said before it is done: which files go, come back, change", async () => {
    const { console_, author, approver } = await people();
    const added = await landed(author, approver, "catalog");
    const head = git(console_.git, "rev-parse", "main");
    expect(await preview(author, added)).toMatchObject({
      effect: "revert",
      base_branch: "main",
      landed_sha: head,
      files: [
        { path: "agents/catalog/README.md", effect: "removed" },
        { path: "agents/catalog/agent.yaml", effect: "removed" },
      ],
      conflicts: [],
    });
    expect(git(console_.git, "rev-parse", "main")).toBe(head);
    const edit = await submitWith(
      author,
      await planWith(author, "edit_policies", {
        policy_id: "spend-guard",
        changes: { limits: { monthly_usd: 321 } },
      }),
    );
    await decideWith(approver, edit.approval_id, "approve");
    expect((await preview(author, edit.plan_id)).files).toEqual([
      { path: "policies/spend-guard.yaml", effect: "changed" },
    ]);
    await approver.client.call("rollback", { body: { plan_id: added } });
    expect(await preview(author, added)).toMatchObject({ effect: "none", files: [] });
  });

  it("of an unmerged change is the end of its branch alone", async () => {
    const { author } = await people();
    const { plan_id, branch } = await submitWith(
      author,
      await planWith(author, "add_agent", { agent_name: "waiting" }),
    );
    const seen = await preview(author, plan_id);
    expect(seen).toMatchObject({ effect: "withdraw", branch, files: [], conflicts: [] });
    expect(seen.message).toContain(branch);
  });

  it("names the paths on which it would be refused", async () => {
    const { author, approver } = await people();
    const edit = async (monthly: number): Promise<string> => {
      const changes = { limits: { monthly_usd: monthly } };
      const { approval_id, plan_id } = await submitWith(
        author,
        await planWith(author, "edit_policies", { policy_id: "spend-guard", changes }),
      );
      await decideWith(approver, approval_id, "approve");
      return plan_id;
    };
    const [first] = [await edit(300), await edit(400)];
    expect(await preview(author, first ?? "")).toMatchObject({
      effect: "revert",
      files: [],
      conflicts: ["policies/spend-guard.yaml"],
    });
  });
});

describe("finding", () => {
  it("changes by part of summary, plan or branch, with signs taken as they are", async () => {
    const console_ = await startConsole();
    const author = await console_.person("viewer", "planner");
    for (const agent_name of ["catalog", "billing"]) {
      await submitWith(author, await planWith(author, "add_agent", { agent_name }));
    }
    const found = async (search: string): Promise<string[]> =>
      (await author.client.call("listChanges", { query: { search } })).items.map(({ plan_id }) => plan_id);
    expect(await found("BILLING")).toEqual([expect.stringContaining("billing")]);
    expect(await found("agent")).toHaveLength(2);
    expect(await found("%")).toEqual([]);
    expect(await found("_")).toEqual([]);
    expect(await found("\\")).toEqual([]);
    expect(await found("'; drop table change_plans; --")).toEqual([]);
  });

  it("the whole log, as JSON lines, filtered and oldest first; and its verdict", async () => {
    const console_ = await startConsole();
    const author = await console_.person("viewer", "planner");
    const planned = await planWith(author, "add_agent", { agent_name: "catalog" });
    await submitWith(author, planned);
    const read = async (query: string): Promise<{ seq: number; plan_id: string | null }[]> => {
      const response = await console_.request(`/api/v1/audit/export${query}`, {
        headers: { authorization: `Bearer ${author.token}` },
      });
      expect(response.headers.get("content-type")).toBe("application/x-ndjson");
      const lines = (await response.text()).trim().split("\n");
      return lines.map((line) => JSON.parse(line) as { seq: number; plan_id: string | null });
    };
    const all = await read("");
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    const own = await read(`?plan_id=${planned.plan.id}`);
    expect(own.length).toBeGreaterThan(1);
    expect(new Set(own.map(({ plan_id }) => plan_id))).toEqual(new Set([planned.plan.id]));
    const [first, second] = await Promise.all([
      author.client.call("verifyAudit"),
      author.client.call("verifyAudit"),
    ]);
    expect(first).toEqual({ ok: true, events: all.length, first_broken: null });
    expect(second).toEqual(first);
    await console_.database.queries
      .updateTable("audit_events")
      .set({ actor_name: "somebody else" })
      .where("seq", "=", 2)
      .execute();
    expect(await author.client.call("verifyAudit")).toMatchObject({ ok: false, first_broken: { seq: 2 } });
  });
});

describe("a disk that is nearly full", () => {
  it.each([
    [20, "down", "20 MB are free for the data folder"],
    [100, "degraded", "100 MB are free for the data folder"],
  ])("of %d MB is %s in health", async (free, status, detail) => {
    const console_ = await startConsole({ freeBytes: () => Promise.resolve(free * 1024 * 1024) });
    const viewer = await console_.person("viewer");
    const health = await viewer.client.call("getHealth");
    expect(health.status).toBe(status);
    expect(health.checks.find(({ id }) => id === "disk")).toMatchObject({ status, detail });
  });
});

describe("a disabled user", () => {
  it("comes back with their roles, and needs a new token", async () => {
    const console_ = await startConsole();
    const admin = await console_.person("admin");
    const user = await console_.person("viewer");
    await admin.client.call("disableUser", { params: { id: user.id } });
    const back = await admin.client.call("enableUser", { params: { id: user.id } });
    expect(back).toMatchObject({ disabled_at: null, has_token: false, roles: ["viewer"] });
    const { token } = await admin.client.call("rotateToken", { params: { id: user.id }, body: {} });
    expect((await console_.clientOf(token).call("getSession")).user.email).toBe(user.email);
  });
});
