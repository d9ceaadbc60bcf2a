import { join } from "node:path";
import { createClient } from "@ciclo/contract";
import { beforeEach, describe, expect, it } from "vitest";
import { startConsole } from "./support/console.ts";
import { type ForgeDouble, startForge } from "./support/forge-double.ts";
import { branches, git } from "./support/git.ts";
import { eventually } from "./support/eventually.ts";
import { provision, verifyAudit } from "./support/provision.ts";
import { startProcess } from "./support/process.ts";
import { temporaryFolder } from "./support/temporary.ts";

/** SIGKILL around each effect on a forge: it must have happened once, whatever was acknowledged. */
describe("SIGKILL with pull requests", () => {
  let remote: string;
  let forge: ForgeDouble;
  let environment: Record<string, string>;
  let tokens: Record<string, string>;

  beforeEach(async () => {
    remote = join(await temporaryFolder(), "remote.git");
    const seed = await startConsole();
    git(seed.home, "clone", "--quiet", "--bare", seed.git, remote);
    forge = await startForge("github", remote);
    environment = {
      CICLO_HOME: await temporaryFolder(),
      CICLO_CONFIG_REPO: remote,
      CICLO_FORGE: "github",
      CICLO_FORGE_URL: forge.url,
      CICLO_FORGE_REPO: "acme/config",
      CICLO_FORGE_TOKEN: "token",
    };
    tokens = await provision(environment, { author: ["planner"], approver: ["approver"] });
  });

  it.each([
    ["submit", "open-pull-request:started"],
    ["submit", "open-pull-request:done"],
    ["land", "land:started"],
    ["land", "land:done"],
    ["discard", "close-pull-request:started"],
    ["discard", "close-pull-request:done"],
  ])("%s, %s", async (operation, point) => {
    const first = await startProcess(environment, [operation, point]);
    const as = (url: string, who: string) => createClient({ baseUrl: url, token: tokens[who] });
    const { plan, patch } = await as(first.url, "author").call("plan", {
      body: { intent: "add_agent", payload: { agent_name: "crash" } },
    });
    const submitting = as(first.url, "author").call("apply", {
      body: { plan, patch, actor: "author", actor_email: "author@example.com" },
    });
    const decide = (approval_id: string | null, approval_decision: "approve" | "reject") =>
      as(first.url, "approver").call("apply", {
        body: { approval_id: approval_id ?? "", approval_decision },
      });
    const dying =
      operation === "submit"
        ? submitting
        : decide((await submitting).approval_id, operation === "land" ? "approve" : "reject");
    await expect(dying).rejects.toThrow(/fetch failed|other side closed|terminated/);
    await first.exited;

    const second = await startProcess(environment);
    const ended = { submit: "hitl_required", land: "completed", discard: "failed" }[operation];
    await eventually(
      () => as(second.url, "author").call("getChange", { params: { plan_id: plan.id } }),
      ({ status, pull_request }) => status === ended && pull_request !== null,
    );
    const expected = operation === "submit" ? 2 : 1;
    await eventually(
      () => Promise.resolve(branches(remote)),
      (found) => found.length === expected,
    );
    expect(forge.pulls).toHaveLength(1);
    expect(forge.merges).toBe(operation === "land" ? 1 : 0);
    expect(forge.pulls[0]?.state).toBe(operation === "submit" ? "open" : "closed");
    await second.stop();
    expect(await verifyAudit(environment)).toMatchObject({ ok: true });
  });
});
