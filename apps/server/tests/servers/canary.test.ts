import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { judge } from "../../src/features/canary/rules.ts";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "../support/config.ts";
import {
  decideWith,
  type Person,
  planWith,
  problemOf,
  startConsole,
  submitWith,
} from "../support/console.ts";
import { eventually } from "../support/eventually.ts";
import { git } from "../support/git.ts";
import { fixture, remote } from "../support/mcp/handshake.ts";
import { modernEcho, scripted, soundAnswer } from "../support/mcp/http-servers.ts";

const canaryPolicy = {
  "policies/canary.yaml": stringify({
    id: "canary",
    kind: "canary",
    title: "Canary",
    probes: 3,
    interval_s: 0.05,
    max_latency_ms: 2000,
    max_error_rate: 0.3,
  }),
};

async function start(files: Record<string, string> = {}, { isWatching = true } = {}) {
  const running = await startConsole();
  pushFiles(running.git, { ...openPolicies(), ...newToolsAllowed, ...canaryPolicy, ...files });
  await running.features.servers.workers.start();
  if (isWatching) await running.features.canary.workers.start();
  return { running, planner: await running.person("planner"), approver: await running.person("approver") };
}

/** Adds an agent with a server, approves it, and waits for its canary's end. */
async function addServer(planner: Person, approver: Person, payload: Record<string, unknown>) {
  const planned = await planWith(planner, "add_agent", { agent_name: "probed", ...payload });
  const { approval_id, plan_id } = await submitWith(planner, planned);
  await decideWith(approver, approval_id, "approve");
  return plan_id;
}

const canaryOf = ({ client }: Person, plan_id: string) =>
  eventually(
    async () => client.call("getChange", { params: { plan_id } }),
    ({ canary }) => canary !== null && canary.status !== "running",
  );

describe("the canary", () => {
  it("probes what a change touches, and lets what does well stay", async () => {
    const { planner, approver } = await start();
    const { url } = await modernEcho();
    const plan = await addServer(planner, approver, { endpoint: url });
    const { canary, timeline, outcome } = await canaryOf(planner, plan);
    expect(canary).toMatchObject({ status: "passed", servers: ["probed"], probes: 3 });
    expect(canary?.samples.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(outcome).toBe("applied");
    expect(timeline.at(-1)?.type).toBe("canary.passed");
  });

  it("does not take the time that a server needs to start for latency", async () => {
    const policy = parse(canaryPolicy["policies/canary.yaml"]);
    const limit = { ...policy, max_latency_ms: 1000 };
    const { planner, approver } = await start({ "policies/canary.yaml": stringify(limit) });
    let asked = 0;
    const slowToStart = await scripted((message, response) => {
      asked += 1;
      setTimeout(() => soundAnswer(message, response), asked === 1 ? 1200 : 0);
    });
    const plan = await addServer(planner, approver, { endpoint: slowToStart.url });
    const { canary } = await canaryOf(planner, plan);
    expect(canary).toMatchObject({ status: "passed" });
    expect(canary?.samples.map(({ ok }) => ok)).toEqual([true, true, true]);
  });

  it("takes a change back by itself that brings a server which does not answer, with the evidence on record", async () => {
    const { running, planner, approver } = await start();
    const before = git(running.git, "rev-parse", "main^{tree}");
    const plan = await addServer(planner, approver, { endpoint: "http://127.0.0.1:9/mcp" });
    const change = await canaryOf(planner, plan);
    expect(change).toMatchObject({
      status: "failed",
      outcome: "canary_failed",
      canary: { status: "failed" },
    });
    expect(change.message).toBe("Rolled back: the canary failed");
    expect(git(running.git, "rev-parse", "main^{tree}")).toBe(before);
    const { items } = await planner.client.call("listAudit", { query: { action: "canary.failed" } });
    expect(items[0]?.metadata).toMatchObject({
      reason: "probed: 3 of 3 probes failed; max_error_rate is 0.3",
    });
    expect(items[0]?.metadata.samples).toEqual([
      ["probed", false, null],
      ["probed", false, null],
      ["probed", false, null],
    ]);
    const { items: changes } = await planner.client.call("listChanges", { query: {} });
    expect(changes.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      "rollback canary_failed",
      "submission applied",
    ]);
    expect(changes[1]?.undone).toBe(true);
    expect((await planner.client.call("listServers")).items).toEqual([]);
  });

  it("waits for a person where a server did as badly before", async () => {
    const dead = { ...remote("http://127.0.0.1:9/mcp"), id: "dead" };
    const { running, planner, approver } = await start({
      "mcp-registry.yaml": registryOf([dead]),
      "agents/a/agent.yaml": stringify({ name: "a", title: "A", version: "1.0.0", server: "dead" }),
    });
    await eventually(
      () => Promise.resolve(running.servers.list("en")[0]?.state),
      (state) => state === "down",
    );
    const planned = await planWith(planner, "generate_artifact", {
      artifact_type: "agent.manifest",
      target_path: "agents/a/agent.yaml",
      parameters: { description: "new" },
    });
    const { approval_id, plan_id } = await submitWith(planner, planned);
    await decideWith(approver, approval_id, "approve");
    const change = await canaryOf(planner, plan_id);
    expect(change).toMatchObject({ outcome: "applied", canary: { status: "inconclusive" } });
    expect(change.canary?.detail).toMatch(/It was down before the change too\. A person must decide/);
    const health = await planner.client.call("getHealth");
    expect(health.checks.find(({ id }) => id === "changes")?.detail).toContain(plan_id);
    const decide = (person: Person, decision: "keep" | "retry") =>
      person.client.call("decideCanary", { params: { plan_id }, body: { decision } });
    expect(await problemOf(decide(planner, "keep"))).toMatchObject({ code: "insufficient_permission" });
    await decide(approver, "retry");
    expect((await canaryOf(planner, plan_id)).canary).toMatchObject({ status: "inconclusive" });
    expect(await decide(approver, "keep")).toMatchObject({ status: "kept" });
    expect(await problemOf(decide(approver, "keep"))).toMatchObject({ code: "already_decided" });
  });

  it("does not undo a rollback by itself", async () => {
    let sound = true;
    const server = await scripted((message, response) => {
      if (sound) soundAnswer(message, response);
      else response.writeHead(500).end();
    });
    const { planner, approver } = await start();
    const plan = await addServer(planner, approver, { endpoint: server.url });
    await canaryOf(planner, plan);
    const edited = await planWith(planner, "generate_artifact", {
      artifact_type: "agent.manifest",
      target_path: "agents/probed/agent.yaml",
      parameters: { description: "new" },
    });
    const { approval_id, plan_id } = await submitWith(planner, edited);
    await decideWith(approver, approval_id, "approve");
    await canaryOf(planner, plan_id);
    sound = false;
    await approver.client.call("rollback", { body: { plan_id, reason: "no" } });
    const change = await eventually(
      async () => planner.client.call("getChange", { params: { plan_id } }),
      ({ canary }) => canary?.status === "inconclusive",
    );
    expect(change).toMatchObject({ outcome: "rolled_back" });
    expect(change.canary?.detail).toContain("This followed a rollback");
  });

  it("waits for nobody where the change was rolled back meanwhile", async () => {
    // Servers whose key is gone tell nothing: neither verdict can be reached.
    const { running, planner, approver } = await start({}, { isWatching: false });
    const { url } = await modernEcho();
    await approver.client.call("addKey", {
      body: { provider: "probed", name: "TOKEN", value: "a-key-of-some-length" },
    });
    const plan = await addServer(planner, approver, {
      endpoint: url,
      auth: { Authorization: "secret:probed/TOKEN" },
    });
    await running.canary.run();
    await canaryOf(planner, plan);
    const edited = await planWith(planner, "edit_server", {
      server: "probed",
      changes: { timeouts: { call_ms: 7000 } },
    });
    const { approval_id, plan_id } = await submitWith(planner, edited);
    await decideWith(approver, approval_id, "approve");
    await approver.client.call("rollback", { body: { plan_id, reason: "no" } });
    await approver.client.call("revokeKey", { params: { provider: "probed", name: "TOKEN" } });
    await running.canary.run();
    const { canary } = await canaryOf(planner, plan_id);
    expect(canary).toMatchObject({ status: "inconclusive" });
    const waiting = async () =>
      (await planner.client.call("getHealth")).checks
        .find(({ id }) => id === "changes")
        ?.detail.split(plan_id).length;
    expect(await waiting()).toBe(2);
    await approver.client.call("decideCanary", { params: { plan_id }, body: { decision: "keep" } });
    expect(await waiting()).toBe(1);
  });

  it("is begun again after a crash", async () => {
    const { running, planner, approver } = await start();
    const { url } = await modernEcho();
    const plan = await addServer(planner, approver, { endpoint: url });
    await canaryOf(planner, plan);
    await running.database.queries
      .updateTable("canaries")
      .set({ status: "running", ended_at: null })
      .execute();
    const again = await startConsole({ database: running.database, config: { home: running.home } });
    await again.features.servers.workers.start();
    await again.canary.run();
    expect(await again.canary.of(plan, "en")).toMatchObject({ status: "passed" });
    await again.features.servers.workers.stop();
    await running.features.servers.workers.stop();
  });

  it("leaves changes alone that touch no server", async () => {
    const { running, planner, approver } = await start();
    const planned = await planWith(planner, "edit_policies", {
      policy_id: "cost",
      changes: { defaults: { timeout_s: 61 } },
    });
    const { approval_id, plan_id } = await submitWith(planner, planned);
    await decideWith(approver, approval_id, "approve");
    await running.canary.run();
    expect((await planner.client.call("getChange", { params: { plan_id } })).canary).toBeNull();
  });

  it("tells a process that a change broke", async () => {
    const { running, planner, approver } = await start();
    const file = join(running.home, "description");
    writeFileSync(file, "x");
    const good = fixture();
    const plan = await addServer(planner, approver, {
      command: good.command,
      args: [...(good.args ?? []), "exits"],
    });
    expect(await canaryOf(planner, plan)).toMatchObject({ outcome: "canary_failed" });
    await running.features.servers.workers.stop();
  });
});

describe("a verdict", () => {
  const policy = { probes: 4, interval_s: 1, max_latency_ms: 100, max_error_rate: 0.25 };
  const sample = (ok: boolean, ms: number | null) => ({
    server: "a",
    at: "2026-01-01T00:00:00.000Z",
    ok,
    ms,
  });
  const good = sample(true, 10);
  it.each([
    ["all good", [good, good, good, good], "healthy", "passed"],
    ["as many errors as allowed", [good, good, good, sample(false, null)], "healthy", "passed"],
    ["one error too many", [good, good, sample(false, null), sample(false, null)], "healthy", "failed"],
    ["one answer too slow", [good, good, good, sample(true, 101)], null, "failed"],
    ["too few probes", [good, good], "healthy", "inconclusive"],
    [
      "bad now, and down before",
      [sample(false, null), sample(false, null), good, good],
      "down",
      "inconclusive",
    ],
  ])("of %s", (_, samples, before, status) => {
    expect(judge([{ id: "a", before }], samples, policy).status).toBe(status);
  });
});
