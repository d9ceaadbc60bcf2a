import { join } from "node:path";
import { createClient } from "@ciclo/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startConsole } from "./support/console.ts";
import { type CrashingConsole, crashingConsole } from "./support/crashing.ts";
import { type ForgeDouble, startForge } from "./support/forge-double.ts";
import { branches, git } from "./support/git.ts";
import { eventually } from "./support/eventually.ts";
import { provision, verifyAudit } from "./support/provision.ts";
import { temporaryFolder } from "./support/temporary.ts";

/** SIGKILL around each effect on a forge: it must have happened once, whatever was acknowledged. */
describe("SIGKILL with pull requests", () => {
  let remote: string;
  let forge: ForgeDouble;
  let server: CrashingConsole;
  let tokens: Record<string, string>;

  beforeAll(async () => {
    remote = join(await temporaryFolder(), "remote.git");
    const seed = await startConsole();
    git(seed.home, "clone", "--quiet", "--bare", seed.git, remote);
    forge = await startForge("github", remote);
    server = crashingConsole({
      CICLO_HOME: await temporaryFolder(),
      CICLO_CONFIG_REPO: remote,
      CICLO_FORGE: "github",
      CICLO_FORGE_URL: forge.url,
      CICLO_FORGE_REPO: "acme/config",
      CICLO_FORGE_TOKEN: "token",
    });
    tokens = await provision(server.environment, { author: ["planner"], approver: ["approver"] });
  });
  afterAll(() => server.stop());

  it.each([
    ["submit", "open-pull-request:started"],
    ["submit", "open-pull-request:done"],
    ["land", "land:started"],
    ["land", "land:done"],
    ["discard", "close-pull-request:started"],
    ["discard", "close-pull-request:done"],
  ])("%s, %s", async (operation, step) => {
    const as = (url: string, who: string) => createClient({ baseUrl: url, token: tokens[who] });
    const [pulls, merges, heads] = [forge.pulls.length, forge.merges, branches(remote).length];
    const point = `${operation} ${step}`;
    const { url } = await server.running();
    const { plan, patch } = await as(url, "author").call("plan", {
      body: { intent: "add_agent", payload: { agent_name: point.replaceAll(/\W/g, "-") } },
    });
    const submit = (at: string) =>
      as(at, "author").call("apply", {
        body: { plan, patch, actor: "author", actor_email: "author@example.com" },
      });
    if (operation === "submit") await server.dieAt(point, submit);
    else {
      const { approval_id } = await submit(url);
      const approval_decision = operation === "land" ? "approve" : "reject";
      await server.dieAt(point, (at) =>
        as(at, "approver").call("apply", {
          body: { approval_id: approval_id ?? "", approval_decision, approval_reason: "killed meanwhile" },
        }),
      );
    }

    const next = await server.running();
    const ended = { submit: "hitl_required", land: "completed", discard: "failed" }[operation];
    await eventually(
      () => as(next.url, "author").call("getChange", { params: { plan_id: plan.id } }),
      ({ status, pull_request }) => status === ended && pull_request !== null,
    );
    await eventually(
      () => Promise.resolve(branches(remote)),
      (found) => found.length === heads + (operation === "submit" ? 1 : 0),
    );
    expect(forge.pulls).toHaveLength(pulls + 1);
    expect(forge.merges).toBe(merges + (operation === "land" ? 1 : 0));
    expect(forge.pulls.at(-1)?.state).toBe(operation === "submit" ? "open" : "closed");
    expect(await verifyAudit(server.environment)).toMatchObject({ ok: true });
  });

  it("leaves an audit log that verifies, once the console has stopped", async () => {
    await server.stop();
    expect(await verifyAudit(server.environment)).toMatchObject({ ok: true });
  });
});
