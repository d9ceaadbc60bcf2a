import { describe, expect, it } from "vitest";
import { stores } from "../support/databases.ts";
import { analysis } from "../support/cycles/artifacts.ts";
import { carriedThrough, cyclesConsole, headOf, policies } from "../support/cycles/console.ts";

const asked = {
  ...analysis,
  quick_spec: {
    ...analysis.quick_spec,
    open_questions: [
      { id: "Q1", question: "What of texts?", why: "They could be joined.", answer: null },
      { id: "Q2", question: "What of nothing?", why: "It could be 0.", answer: null },
    ],
  },
};

describe("people in a cycle", () => {
  it.each(stores)("decide on exactly what they saw, in their turn: %s", async (_, openStore) => {
    const console = await cyclesConsole({ database: await openStore() });
    const { person, approver, gateway, start, settled, decide, get } = console;
    const { id } = await start();
    const { checkpoint } = await settled(id);
    // Nobody who may not decide, and not whoever asked for it, though they hold the role.
    await expect(decide(person, id, "approve")).rejects.toMatchObject({
      problem: { code: "insufficient_permission" },
    });
    const both = await gateway.person("planner", "approver");
    const own = await both.client.call("startCycle", {
      body: { repository: console.repository.folder, issue: "Sums are wrong" },
    });
    await settled(own.id);
    await expect(decide(both, own.id, "approve")).rejects.toMatchObject({
      problem: { code: "self_approval" },
    });
    const seen = (await both.client.call("getCycle", { params: { id: own.id } })).checkpoint;
    expect(seen).toMatchObject({
      may_decide: false,
      why_not: expect.stringContaining("policies/cycles.yaml"),
    });
    // What is decided is what was shown.
    const body = { decision: "approve" as const, subject: "a".repeat(64) };
    await expect(approver.client.call("decideCycle", { params: { id }, body })).rejects.toMatchObject({
      problem: { code: "stale_plan" },
    });
    await decide(approver, id, "approve");
    await expect(
      approver.client.call("decideCycle", {
        params: { id },
        body: { decision: "approve", subject: checkpoint?.subject ?? "" },
      }),
    ).rejects.toMatchObject({ problem: { code: expect.stringMatching(/already_decided|stale_plan/) } });
    await settled(id);
    const rejected = await decide(approver, id, "reject", "Not worth it");
    expect(rejected).toMatchObject({ state: "rejected", reason: "Not worth it", checkpoint: null });
    expect(rejected.ended_at).not.toBeNull();
    expect(
      (await get(id)).decisions.map(({ checkpoint: at, decision, holds }) => [at, decision, holds]),
    ).toEqual([
      ["analyze", "approve", true],
      ["plan", "reject", true],
    ]);
    const list = await person.client.call("listCycles", { query: { state: "rejected" } });
    expect(list.items.map((cycle) => cycle.id)).toEqual([id]);
  });

  it("send a plan back with a comment: the phase reads it, and what was decided about the plan is void", async () => {
    const console = await cyclesConsole();
    const { approver, person, model, start, settled, decide } = console;
    const { id } = await start();
    await settled(id);
    await decide(approver, id, "approve");
    const planned = await settled(id);
    expect(planned).toMatchObject({ stage: "plan", checkpoint: { checkpoint: "plan" } });
    // Whoever asked for the cycle is no approver here, and still may not decide.
    await expect(decide(person, id, "send_back")).rejects.toMatchObject({
      problem: { code: "insufficient_permission" },
    });
    model.asked.length = 0;
    await decide(approver, id, "send_back", "Split it into two parts, please");
    const again = await settled(id);
    expect(JSON.stringify(model.asked[0]?.body)).toContain("Split it into two parts, please");
    expect(again.artifacts.filter(({ kind }) => kind === "plan").map(({ version }) => version)).toEqual([
      1, 2,
    ]);
    expect(again.decisions.map(({ decision, holds }) => [decision, holds])).toEqual([
      ["approve", true],
      ["send_back", false],
    ]);
    expect(await carriedThrough(console, id)).toMatchObject({ state: "completed" });
  });

  it("decide at a checkpoint that policy had when the cycle came there", async () => {
    const console = await cyclesConsole();
    const { approver, gateway, start, settled, decide, get } = console;
    const { id } = await start();
    await settled(id);
    const policy = policies({ checkpoints: [] })["policies/cycles.yaml"] ?? "";
    await gateway.push({ "policies/cycles.yaml": policy });
    expect((await get(id)).checkpoint).toMatchObject({ checkpoint: "analyze", may_decide: true });
    await decide(approver, id, "reject");
    expect((await get(id)).state).toBe("rejected");
  });

  it("answer open questions before planning goes on, and planning goes by the answers", async () => {
    const console = await cyclesConsole({ replies: { analyzer: [asked] } });
    const { approver, person, model, start, settled, decide } = console;
    const { id } = await start();
    const { artifacts } = await settled(id);
    await expect(decide(approver, id, "approve")).rejects.toThrow("Q1, Q2");
    const answer = (subject: string, question: string) =>
      person.client.call("answerCycle", {
        params: { id },
        body: { subject, answers: [{ question, answer: `Of ${question}: leave it` }] },
      });
    const subject = artifacts[0]?.sha256 ?? "";
    await expect(answer(subject, "Q9")).rejects.toMatchObject({ problem: { code: "invalid_payload" } });
    const once = await answer(subject, "Q1");
    await expect(answer(subject, "Q2")).rejects.toMatchObject({ problem: { code: "stale_plan" } });
    await expect(decide(approver, id, "approve")).rejects.toThrow("Q2");
    await answer(once.artifacts.at(-1)?.sha256 ?? "", "Q2");
    await decide(approver, id, "approve");
    const { stage, artifacts: all } = await settled(id);
    expect(stage).toBe("plan");
    expect(all.filter(({ kind }) => kind === "analysis").map(({ model: by }) => by)).toEqual([
      "gpt-5.2",
      null,
      null,
    ]);
    expect(JSON.stringify(model.asked.at(-1)?.body)).toContain("Of Q2: leave it");
  });

  it("halt a cycle, let it go on, and end it, with all that runs of it", async () => {
    const console = await cyclesConsole({
      turns: [
        [{ do: "shell", command: "sleep 1" }, { do: "leave", command: "sleep 987654" }, { do: "hang" }],
      ],
      policy: { checkpoints: [] },
    });
    const { approver, person, gateway, start, get } = console;
    const { id } = await start();
    const working = await console.at(id, "execute");
    expect(working.state).toBe("running");
    await console.whenRunning("sleep 987654");
    const other = await gateway.person("planner");
    await expect(other.client.call("pauseCycle", { params: { id }, body: {} })).rejects.toMatchObject({
      problem: { code: "policy_denied" },
    });
    const paused = await person.client.call("pauseCycle", { params: { id }, body: { reason: "lunch" } });
    expect(paused).toMatchObject({ state: "paused", stage: "execute", reason: "lunch" });
    expect(console.isRunning("sleep 987654")).toBe(false);
    await person.client.call("resumeCycle", { params: { id }, body: {} });
    await console.whenRunning("sleep 987654");
    expect(await get(id)).toMatchObject({ state: "running" });
    const ended = await approver.client.call("cancelCycle", { params: { id }, body: {} });
    expect(ended).toMatchObject({ state: "cancelled", stage: "execute" });
    expect(console.isRunning("sleep 987654")).toBe(false);
    await expect(person.client.call("resumeCycle", { params: { id }, body: {} })).rejects.toMatchObject({
      problem: { code: "already_decided" },
    });
    expect(headOf(console.repository)).toBe(ended.base_commit);
  });
});

describe("what a cycle is asked for", () => {
  it("is refused where it cannot be done, with what to do", async () => {
    const { person, repository, gateway } = await cyclesConsole({
      policy: { repositories: ["/nowhere/**"] },
    });
    const start = (more: Record<string, unknown>) =>
      person.client.call("startCycle", {
        body: { repository: repository.folder, issue: "Sums are wrong", ...more },
      });
    await expect(start({})).rejects.toMatchObject({ problem: { code: "policy_denied" } });
    await expect(start({ issue: "  " })).rejects.toMatchObject({ problem: { code: "invalid_payload" } });
    await expect(start({ issue: "x".repeat(2_000_000) })).rejects.toMatchObject({
      problem: { code: "invalid_payload" },
    });
    const wrong = async (more: Record<string, unknown>): Promise<string> => {
      const error: unknown = await start(more).catch((thrown: unknown) => thrown);
      return JSON.stringify((error as { problem: unknown }).problem);
    };
    expect(await wrong({ repository: "https://ana:hunter22@example.com/shop.git" })).toContain(
      "holds a password",
    );
    expect(await wrong({ repository: "../shop" })).toContain("takes an absolute path");
    expect(await wrong({ repository: "/nowhere/at/all" })).toContain("is not there");
    expect(await wrong({ repository: "ext::sh -c id" })).toContain("takes an absolute path");
    expect(await wrong({ base_branch: "--upload-pack=x" })).toContain("the name of a branch");
    expect(await wrong({ issue: "The token is ghp_0123456789abcdefghijklmnopqrstuvwxyz" })).toContain(
      "secret",
    );
    await gateway.push({ "policies/cycles.yaml": "id: cycles\nkind: cycles\ntitle: C\nrepositories: 1\n" });
    await expect(start({})).rejects.toThrow("policies/cycles.yaml");
    const viewer = await gateway.person("viewer");
    await expect(
      viewer.client.call("startCycle", { body: { repository: "/a", issue: "b" } }),
    ).rejects.toMatchObject({ problem: { code: "insufficient_permission" } });
  });
});
