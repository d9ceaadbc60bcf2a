import { chmodSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "./support/config.ts";
import { settableClock } from "./support/clock.ts";
import { decideWith, planWith, problemOf, startConsole, submitWith } from "./support/console.ts";
import { git } from "./support/git.ts";
import { toolCall } from "./support/usage.ts";
import { temporaryFolder } from "./support/temporary.ts";
import { stores } from "./support/databases.ts";
import { remote } from "./support/mcp/handshake.ts";
import { modernEcho } from "./support/mcp/http-servers.ts";

const day = 86_400_000;
const never = new AbortController().signal;
const call = (server: string, costUsd: number | null) => toolCall({ costUsd }, { server });

describe("a retention policy", () => {
  it.each<[string, (file: string) => void]>([
    [
      "a program",
      (file) => {
        writeFileSync(file, "id: retention\nkind: retention\ntitle: R\nunsubmitted_plans: 90d\n");
        chmodSync(file, 0o755);
      },
    ],
    ["a link", (file) => symlinkSync("../elsewhere", file)],
    ["no UTF-8", (file) => writeFileSync(file, Buffer.from("title: Retenção\n", "latin1"))],
  ])("that is %s deletes nothing, and health says that it is not in use", async (_, write) => {
    const clock = settableClock("2026-03-01T12:00:00.000Z");
    const running = await startConsole({ clock });
    const planner = await running.person("planner");
    const clone = join(await temporaryFolder(), "clone");
    git(".", "clone", "--quiet", running.git, clone);
    rmSync(join(clone, "policies/retention.yaml"), { force: true });
    write(join(clone, "policies/retention.yaml"));
    git(clone, "add", "--all");
    git(clone, "commit", "--quiet", "-m", "by hand");
    git(clone, "push", "--quiet", "origin", "HEAD:main");
    const planned = await planWith(planner, "add_agent", { agent_name: "kept" });
    clock.set("2026-04-15T12:00:00.000Z");
    await running.features.retention.service.purge(never);
    expect(await submitWith(planner, planned)).toMatchObject({ approval_id: expect.any(String) as string });
    const { checks } = await planner.client.call("getHealth");
    expect(checks.find(({ id }) => id === "configuration")?.detail).toContain("policies/retention.yaml");
  });

  it("keeps nothing for less than a day, and is a high risk where it keeps shorter", async () => {
    const running = await startConsole();
    const planner = await running.person("planner");
    const plan = (usage_events: string) =>
      planWith(planner, "edit_policies", { policy_id: "retention", changes: { usage_events } });
    expect(await problemOf(plan("12m"))).toMatchObject({
      errors: [{ message: expect.stringContaining("whole number of days") as string }],
    });
    const { plan: shorter } = await plan("12d");
    expect(shorter.risks.map(({ title, impact }) => [title, impact])).toContainEqual([
      "retention: usage_events is kept for 12d instead of 400d",
      "high",
    ]);
    expect((await plan("500d")).plan.risks).toEqual([]);
  });

  it("counts from the last time that a plan was made", async () => {
    const clock = settableClock("2026-03-01T12:00:00.000Z");
    const running = await startConsole({ clock });
    const planner = await running.person("planner");
    await planWith(planner, "add_agent", { agent_name: "kept" });
    clock.set("2026-04-02T12:00:00.000Z");
    const again = await planWith(planner, "add_agent", { agent_name: "kept" });
    await running.features.retention.service.purge(never);
    expect(await submitWith(planner, again)).toMatchObject({ approval_id: expect.any(String) as string });
  });
});

describe.each(stores)("retention on %s", (_, openStore) => {
  it("lets go of what the policy says, keeps what is referred to, and keeps totals for good", async () => {
    const clock = settableClock("2026-03-30T12:00:00.000Z");
    const running = await startConsole({ clock, database: await openStore() });
    const hub = await modernEcho();
    pushFiles(running.git, {
      ...openPolicies(),
      ...newToolsAllowed,
      "mcp-registry.yaml": registryOf([remote(hub.url)]),
      "policies/retention.yaml": stringify({
        id: "retention",
        kind: "retention",
        title: "Retention",
        usage_events: "10d",
        idempotency_keys: "1d",
        unsubmitted_plans: "5d",
        threads: "20d",
        tool_definitions: "1d",
        operations: "3d",
      }),
    });
    await running.features.servers.workers.start();
    const { queries } = running.database;
    const [planner, approver] = [await running.person("planner"), await running.person("approver")];
    const submitted = await submitWith(planner, await planWith(planner, "add_agent", { agent_name: "kept" }));
    await decideWith(approver, submitted.approval_id, "approve");
    await planWith(planner, "add_agent", { agent_name: "never" });
    await planner.client.call("chat", { body: { message: "who approves a change?" } });
    await queries
      .insertInto("idempotency_keys")
      .values({
        user_id: planner.id,
        key: "k",
        request_hash: "h",
        response: "{}",
        created_at: clock().toISOString(),
      })
      .execute();
    await queries
      .insertInto("tool_definitions")
      .values({ hash: "sha256:gone", definition: "{}", last_seen_at: clock().toISOString() })
      .execute();
    for (let count = 0; count < 1200; count += 1) running.ledger.recordTool(call("remote", 0.001));
    running.ledger.recordTool(call("remote", null));
    await running.ledger.flush();
    const count = async (table: "usage_events" | "plans" | "threads" | "thread_messages" | "operations") =>
      Number(
        (
          await queries
            .selectFrom(table)
            .select((eb) => eb.fn.countAll<number | string>().as("count"))
            .executeTakeFirstOrThrow()
        ).count,
      );
    const definitions = async () =>
      (await queries.selectFrom("tool_definitions").select("hash").execute()).map(({ hash }) => hash);
    const before = await definitions();

    await running.features.retention.service.purge(never);
    expect(await count("usage_events")).toBe(1201);
    expect(await count("plans")).toBe(2);

    clock.advance(6 * day);
    await running.features.retention.service.purge(never);
    expect(await count("plans")).toBe(1);
    expect(await count("operations")).toBe(0);
    expect(await queries.selectFrom("idempotency_keys").selectAll().execute()).toEqual([]);
    expect(await definitions()).toEqual(before.filter((hash) => hash !== "sha256:gone"));
    expect(await count("threads")).toBe(1);
    expect(await count("usage_events")).toBe(1201);

    clock.advance(20 * day);
    await running.features.retention.service.purge(never);
    expect(await count("usage_events")).toBe(0);
    expect([await count("threads"), await count("thread_messages")]).toEqual([0, 0]);
    for (const [table, period] of [
      ["usage_hours", "2026-03-30T12"],
      ["usage_days", "2026-03-30"],
    ] as const)
      expect(await queries.selectFrom(table).selectAll().execute()).toMatchObject([
        { period, calls: 1201, unpriced: 1, cost_nano_usd: 1_200_000_000 },
      ]);
    const { items } = await planner.client.call("listAudit", { query: { action: "retention.applied" } });
    expect(items.map(({ metadata }) => metadata)).toEqual([
      { deleted: { usage_events: 1201, threads: 1 } },
      { deleted: { idempotency_keys: 1, unsubmitted_plans: 1, tool_definitions: 1, operations: 2 } },
    ]);
    expect((await planner.client.call("getChange", { params: { plan_id: submitted.plan_id } })).outcome).toBe(
      "applied",
    );

    // Kept from the last time that something referred to it: here until the server left the registry.
    expect(before.length).toBeGreaterThan(1);
    pushFiles(running.git, { "mcp-registry.yaml": registryOf([]) });
    await running.servers.reconcile();
    await running.features.retention.service.purge(never);
    expect(await definitions()).toHaveLength(before.length - 1);
    clock.advance(2 * day);
    await running.features.retention.service.purge(never);
    expect(await definitions()).toEqual([]);
    await running.features.servers.workers.stop();
  });

  it.each([
    ["has a field that it does not know", { kind: "retention", usage_event: "1d" }],
    ["is of another kind", { kind: "budget", limits: { daily_usd: 1 }, on_exceeded: "block" }],
  ])("deletes nothing while its policy %s, and health says so", async (_, fields) => {
    const clock = settableClock();
    const running = await startConsole({ clock, database: await openStore() });
    pushFiles(running.git, {
      "policies/retention.yaml": stringify({ id: "retention", title: "Retention", ...fields }),
    });
    running.ledger.recordTool(call("a", 1));
    await running.ledger.flush();
    clock.advance(5000 * day);
    await running.features.retention.service.purge(never);
    expect(await running.database.queries.selectFrom("usage_events").select("id").execute()).toHaveLength(1);
    const viewer = await running.person("viewer");
    const { checks } = await viewer.client.call("getHealth");
    expect(checks.find(({ id }) => id === "configuration")).toMatchObject({
      status: "degraded",
      detail: expect.stringContaining("policies/retention.yaml"),
    });
  });
});
