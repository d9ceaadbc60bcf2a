import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashToken, PlanExecutor } from "@ciclo/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { provision } from "./support/provision.ts";
import { type ServerProcess, startProcess } from "./support/process.ts";
import { temporaryFolder } from "./support/temporary.ts";
import { createClient } from "@ciclo/contract";

let server: ServerProcess;
let home: string;
let tokens: Record<string, string>;
beforeAll(async () => {
  home = await temporaryFolder();
  tokens = await provision({ CICLO_HOME: home }, { author: ["planner"], approver: ["approver"] });
  server = await startProcess({ CICLO_HOME: home });
});
afterAll(() => server.stop());

/** What the runbook's Python snippets did, beside a running console. */
describe("PlanExecutor", () => {
  it("dry-runs, submits, decides and rolls back", async () => {
    const client = createClient({ baseUrl: server.url, token: tokens.author });
    const { plan, patch } = await client.call("plan", {
      body: { intent: "add_agent", payload: { agent_name: "scripted" } },
    });
    const executor = new PlanExecutor({ home });
    expect(await executor.dryRun({ plan, patch, actor: "script" })).toMatchObject({ status: "pending" });
    const submitted = await executor.submitForApproval({
      plan,
      patch,
      actor: "author",
      actorEmail: "author@example.com",
    });
    expect(submitted).toMatchObject({
      status: "hitl_required",
      branch: `ciclo/${plan.id}`,
      base_branch: "main",
    });
    const approvalId = submitted.approval_id ?? "";
    await expect(
      executor.decide({ approvalId, decision: "approve", actor: "nobody@example.com" }),
    ).rejects.toMatchObject({ code: "not_found" });
    await expect(
      executor.decide({ approvalId, decision: "approve", actor: "author@example.com" }),
    ).rejects.toMatchObject({ code: "insufficient_permission" });
    const applied = await executor.decide({ approvalId, decision: "approve", actor: "approver@example.com" });
    expect(applied).toMatchObject({ status: "completed", outcome: "applied" });
    const outcome = await executor.rollback({
      planId: plan.id,
      branch: submitted.branch,
      actor: "rollback-bot",
      reason: "canary failed",
    });
    expect([outcome.status, outcome.message]).toEqual(["failed", "Rolled back"]);
    await executor.close();
    const change = await client.call("getChange", { params: { plan_id: plan.id } });
    expect(change.timeline.map(({ actor }) => actor)).toContain("rollback-bot");
  });

  it("opens again after an opening that failed", async () => {
    const own = await temporaryFolder();
    const key = join(own, "master.key");
    writeFileSync(key, "no key at all");
    const executor = new PlanExecutor({ home: own });
    const rollBack = () => executor.rollback({ planId: "no-such-plan", actor: "rollback-bot" });
    await expect(rollBack()).rejects.toThrow("CICLO_MASTER_KEY_FILE");
    rmSync(key);
    await expect(rollBack()).rejects.toMatchObject({ code: "not_found" });
    await executor.close();
  });

  it("hashes tokens as the database holds them", () => {
    expect(hashToken("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
