import type { PauseDecision } from "@ciclo/contract";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { type Database, openDatabase } from "../../src/db/dialect.ts";
import { type Person, problemOf } from "../support/console.ts";
import { newPostgresUrl } from "../support/databases.ts";
import type { TestGateway } from "../support/mcp/gateway.ts";
import { send } from "../support/model-double.ts";
import { ask, calls, chatOf, endpointOf, messageOf, pricesOf } from "../support/model-endpoint.ts";

/** Each call of the double costs 10 dollars with one, and 1 with the other. */
const prices = pricesOf(
  { model: "gpt-5.2", input: 10_000, output: 0 },
  { model: "gpt-5.2-mini", input: 1000, output: 0 },
  { model: "o9-forbidden", input: 1000, output: 0 },
);
const budgetOf = (more: Record<string, unknown> = {}) => ({
  "policies/runs.yaml": stringify({
    id: "runs",
    kind: "budget",
    title: "Runs",
    scope: {},
    per: "run",
    limits: { total_usd: 15 },
    on_exceeded: "ask",
    ...more,
  }),
});

async function pausing(more: Record<string, string> = budgetOf(), database?: Database) {
  const { gateway, person, approver, model } = await endpointOf({ ...prices, ...more }, {}, [], database);
  let count = 0;
  model.answer = ({ body, path }, response) => {
    if (!path.includes("/chat/completions")) return false;
    const id = `chatcmpl-${String((count += 1)).padStart(16, "0")}`;
    const choices = [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }];
    const usage = { prompt_tokens: 1000, completion_tokens: 5 };
    send(response, { id, model: body["model"], choices, usage });
    return true;
  };
  const tokenOf = async (run: string): Promise<string> =>
    (await person.client.call("createRunToken", { body: { run } })).token;
  const token = await tokenOf("nightly");
  const askAs = (of: string, body: unknown = chatOf()): Promise<Response> =>
    ask(gateway, { token: of }, "openai/v1/chat/completions", body);
  /** Spends what the run has. */
  const spend = async (of = token): Promise<void> => {
    for (let count = 0; count < 2; count += 1) {
      expect((await askAs(of)).status).toBe(200);
      await gateway.ledger.flush();
    }
  };
  /** An approver lets the run that waits spend more. */
  const raise = async (amount: number): Promise<void> => {
    const [pause] = await pauses();
    const body = { decision: "raise" as const, amount };
    await approver.client.call("decideRunPause", { params: { id: pause?.id ?? "" }, body });
  };
  const pauses = async ({ client }: Person = approver) => (await client.call("listRunPauses")).items;
  return { gateway, person, approver, model, token, tokenOf, askAs, spend, pauses, raise };
}

const audited = async (gateway: TestGateway, action: string) =>
  gateway.database.queries
    .selectFrom("audit_events")
    .select(["action", "actor_name", "resource", "metadata"])
    .where("action", "=", action)
    .execute();

describe("a run that uses up a budget which asks", () => {
  it("pauses, once, and goes on with what an approver lets it spend", async () => {
    const { gateway, approver, person, model, token, askAs, spend, pauses } = await pausing();
    await spend();
    const asked = model.asked.length;
    const refused = await Promise.all([askAs(token), askAs(token), askAs(token)]);
    for (const response of refused) {
      expect(response.status).toBe(402);
      const said = await response.text();
      expect(said).toContain("policies/runs.yaml, limits.total_usd: 20 USD of 15 USD are spent");
      expect(said).toContain("the run nightly is paused");
      expect(said).toContain("/costs");
    }
    expect(model.asked).toHaveLength(asked);
    const [pause, ...others] = await pauses();
    expect(others).toEqual([]);
    expect(pause).toMatchObject({
      run: "nightly",
      user: { name: person.name },
      file: "policies/runs.yaml",
      field: "limits.total_usd",
      unit: "usd",
      spent: 20,
      of: 15,
      model: "gpt-5.2",
      state: "waiting",
      may: { raise: true, stop: true },
    });
    expect(await audited(gateway, "run.paused")).toHaveLength(1);
    const id = pause?.id ?? "";
    const raised = await approver.client.call("decideRunPause", {
      params: { id },
      body: { decision: "raise", amount: 10.5, note: "the release waits for it" },
    });
    expect(raised).toMatchObject({ state: "raised", amount: 10.5, decided_by: approver.name });
    // 10 of 10.5 dollars, then what is left lets one more through.
    for (const status of [200, 200, 402]) {
      expect((await askAs(token)).status).toBe(status);
      await gateway.ledger.flush();
    }
    const [again] = await pauses();
    expect(again).toMatchObject({ state: "waiting", spent: 40, of: 15 });
    expect(again?.id).not.toBe(id);
    // Whoever has the old id in their notes is told where the run is now.
    const stop = approver.client.call("decideRunPause", { params: { id }, body: { decision: "stop" } });
    expect(await problemOf(stop)).toMatchObject({
      code: "already_decided",
      detail: expect.stringContaining("paused again since, under another id") as string,
    });
    const [entry] = await audited(gateway, "run.raised");
    expect(entry).toMatchObject({ actor_name: approver.name, resource: "run:nightly" });
    expect(JSON.parse(entry?.metadata ?? "")).toMatchObject({
      more_usd: 10.5,
      note: "the release waits for it",
    });
    const { queries } = gateway.database;
    await expect
      .poll(async () =>
        (await queries.selectFrom("budget_purses").select("reserved").execute()).map(
          ({ reserved }) => reserved,
        ),
      )
      .toEqual(expect.arrayContaining([0]));
  });

  it("pauses no other run, and none where the budget only blocks", async () => {
    const { gateway, token, tokenOf, askAs, spend, pauses } = await pausing();
    await spend();
    expect((await askAs(token)).status).toBe(402);
    expect((await askAs(await tokenOf("weekly"))).status).toBe(200);
    expect(await pauses()).toHaveLength(1);
    const blocking = await pausing(budgetOf({ on_exceeded: "block" }));
    await blocking.spend();
    expect((await blocking.askAs(blocking.token)).status).toBe(402);
    expect(await blocking.pauses()).toEqual([]);
    expect(await audited(gateway, "run.paused")).toHaveLength(1);
  });

  it("asks another model where it is re-routed, which is what is checked, counted and priced", async () => {
    const { gateway, approver, model, token, askAs, spend, pauses } = await pausing(
      budgetOf({ per: undefined, scope: { models: ["gpt-5.2"] } }),
    );
    await spend();
    expect((await askAs(token)).status).toBe(402);
    const [pause] = await pauses();
    const id = pause?.id ?? "";
    const decide = (body: PauseDecision) => approver.client.call("decideRunPause", { params: { id }, body });
    expect(await problemOf(decide({ decision: "reroute", model: "gpt-5.2" }))).toMatchObject({
      code: "invalid_payload",
      detail: expect.stringContaining("counts the calls of gpt-5.2 too") as string,
    });
    for (const [model, said] of [
      ["gpt-without-price", "has no price"],
      ["../gpt", "the name of a model"],
    ] as const)
      expect(JSON.stringify(await problemOf(decide({ decision: "reroute", model })))).toContain(said);
    expect(await problemOf(decide({ decision: "reroute", model: "o9-forbidden" }))).toMatchObject({
      code: "invalid_payload",
      detail: expect.stringContaining("policies/access.yaml does not let") as string,
    });
    await decide({ decision: "reroute", model: "gpt-5.2-mini" });
    const answer = await askAs(token, chatOf({ temperature: 0 }));
    expect(answer.status).toBe(200);
    expect(model.asked.at(-1)?.body).toMatchObject({ model: "gpt-5.2-mini", temperature: 0 });
    expect((await calls(gateway)).at(-1)).toMatchObject({
      model: "gpt-5.2-mini",
      run: "nightly",
      status: "ok",
    });
    // It is no embedding's model, and no tool's.
    const embedding = await ask(gateway, { token }, "openai/v1/embeddings", { model: "gpt-5.2", input: "x" });
    expect(embedding.status).toBe(402);
    expect(await embedding.text()).toContain("go to the model gpt-5.2-mini");
  });

  it("re-routes calls that name their model in the path, too", async () => {
    const { gateway, person, approver } = await endpointOf({
      ...budgetOf({
        per: undefined,
        scope: { models: ["gemini-*-pro", "claude-opus-*"] },
        limits: { total_usd: 1e-9 },
      }),
    });
    for (const [run, path, body, to] of [
      ["one", "google/v1beta/models/gemini-2.5-pro:generateContent", { contents: [] }, "gemini-2.5-flash"],
      ["two", "anthropic/v1/messages", messageOf(), "claude-haiku-4-5"],
    ] as const) {
      const { token } = await person.client.call("createRunToken", { body: { run } });
      const askOnce = (): Promise<Response> => ask(gateway, { token }, path, body);
      await askOnce();
      await gateway.ledger.flush();
      expect((await askOnce()).status).toBe(402);
      const { items } = await approver.client.call("listRunPauses");
      await approver.client.call("decideRunPause", {
        params: { id: items.find((pause) => pause.run === run)?.id ?? "" },
        body: { decision: "reroute", model: to },
      });
      expect((await askOnce()).status).toBe(200);
      expect((await calls(gateway)).at(-1)).toMatchObject({ model: to, run });
    }
  });

  it("is over at once where it is stopped: its tokens end, and a new one is refused", async () => {
    const { gateway, person, token, tokenOf, askAs, spend, pauses } = await pausing();
    await spend();
    expect((await askAs(token)).status).toBe(402);
    const [pause] = await pauses(person);
    // Whoever it acts as may stop it, and not more.
    expect(pause?.may).toEqual({ raise: false, stop: true });
    const id = pause?.id ?? "";
    expect(
      await problemOf(
        person.client.call("decideRunPause", { params: { id }, body: { decision: "raise", amount: 1 } }),
      ),
    ).toMatchObject({ code: "insufficient_permission" });
    await person.client.call("decideRunPause", { params: { id }, body: { decision: "stop" } });
    expect((await askAs(token)).status).toBe(401);
    expect(await problemOf(tokenOf("nightly"))).toMatchObject({
      code: "policy_denied",
      detail: expect.stringContaining(`${person.name} stopped the run nightly`) as string,
    });
    expect((await askAs(await tokenOf("weekly"))).status).toBe(200);
    expect(
      await problemOf(person.client.call("decideRunPause", { params: { id }, body: { decision: "stop" } })),
    ).toMatchObject({ code: "already_decided" });
    expect(await audited(gateway, "run.stopped")).toHaveLength(1);
  });

  it("is decided on by somebody else than whom it acts as, where there is one", async () => {
    const { gateway, approver, askAs, pauses } = await pausing();
    const both = await gateway.person("planner", "approver");
    const { token } = await both.client.call("createRunToken", { body: { run: "mine" } });
    for (const status of [200, 200, 402]) {
      expect((await askAs(token)).status).toBe(status);
      await gateway.ledger.flush();
    }
    const [pause] = await pauses(both);
    expect(pause?.may).toEqual({ raise: false, stop: true });
    const raise = (by: Person) =>
      by.client.call("decideRunPause", {
        params: { id: pause?.id ?? "" },
        body: { decision: "raise", amount: 1 },
      });
    expect(await problemOf(raise(both))).toMatchObject({ code: "self_approval" });
    await raise(approver);
    const viewer = await gateway.person("viewer");
    expect((await pauses(viewer))[0]?.may).toEqual({ raise: false, stop: false });
  });

  it("is not waited for any more once a plan has raised the limit", async () => {
    const { gateway, approver, token, askAs, spend, pauses } = await pausing();
    await spend();
    expect((await askAs(token)).status).toBe(402);
    await gateway.push(budgetOf({ limits: { total_usd: 1000 } }));
    expect((await askAs(token)).status).toBe(200);
    const [pause] = await pauses();
    expect(pause).toMatchObject({ state: "over", may: { raise: false, stop: false } });
    expect(
      await problemOf(
        approver.client.call("decideRunPause", {
          params: { id: pause?.id ?? "" },
          body: { decision: "raise", amount: 1 },
        }),
      ),
    ).toMatchObject({ code: "already_decided", detail: expect.stringContaining("has room again") as string });
  });

  it("has what it was let spend for itself alone, and for calls beyond the limit alone", async () => {
    const { gateway, token, askAs, spend, pauses, raise, model } = await pausing(
      budgetOf({ scope: { models: ["gpt-5.2"] } }),
    );
    await spend();
    expect((await askAs(token)).status).toBe(402);
    const [pause] = await pauses();
    await raise(5);
    // What the budget does not count takes nothing of it.
    for (let count = 0; count < 10; count += 1) {
      expect((await askAs(token, chatOf({ model: "gpt-5.2-mini" }))).status).toBe(200);
      await gateway.ledger.flush();
    }
    // Nor do calls that wait for each other: each may cost 4 dollars, and costs next to nothing.
    const usual = model.answer;
    model.answer = ({ body }, response) => {
      const choices = [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }];
      const usage = { prompt_tokens: 1, completion_tokens: 1 };
      send(response, { id: `c-${Math.random()}`, model: body["model"], choices, usage });
      return true;
    };
    const long = chatOf({ messages: [{ role: "user", content: "x".repeat(1600) }] });
    const answers = await Promise.all(Array.from({ length: 4 }, () => askAs(token, long)));
    expect(answers.map(({ status }) => status).filter((status) => status === 200).length).toBeGreaterThan(0);
    for (const refused of answers.filter(({ status }) => status === 402))
      expect(await refused.text()).toContain("set aside for calls under way");
    await gateway.ledger.flush();
    expect((await pauses())[0]).toMatchObject({ id: pause?.id, state: "raised" });
    model.answer = usual;
    expect((await askAs(token)).status).toBe(200);
  });

  it("may spend no more than it was let, whatever is learned of earlier calls", async () => {
    const { gateway, approver, token, askAs, spend, raise } = await pausing();
    await spend();
    expect((await askAs(token)).status).toBe(402);
    await raise(5);
    // 20 dollars become 2: the limit has room for 13 more calls of one, then the raise for 5.
    await gateway.push(pricesOf({ model: "gpt-5.2", input: 1000, output: 0 }));
    const day = new Date().toISOString().slice(0, 10);
    await approver.client.call("reprice", {
      body: { from: day, to: day, tz: "UTC", only: "all", dry_run: false },
    });
    let passed = 0;
    while ((await askAs(token)).status === 200 && passed < 30) {
      passed += 1;
      await gateway.ledger.flush();
    }
    expect(passed).toBe(18);
  });

  it("waits once for each purse of a limit", async () => {
    const { gateway, person, token, askAs, spend, pauses } = await pausing(budgetOf({ per: "model" }));
    await spend();
    const mini = chatOf({ model: "gpt-5.2-mini" });
    for (let count = 0; count < 15; count += 1) {
      expect((await askAs(token, mini)).status).toBe(200);
      await gateway.ledger.flush();
    }
    expect((await askAs(token)).status).toBe(402);
    expect(await (await askAs(token, mini)).text()).toContain("15 USD of 15 USD");
    expect((await pauses(person)).map(({ model, spent }) => [model, spent])).toEqual(
      expect.arrayContaining([
        ["gpt-5.2", 20],
        ["gpt-5.2-mini", 15],
      ]),
    );
  });

  it("counts what a request continues as part of what it may cost", async () => {
    const { gateway, person, model } = await endpointOf({
      ...prices,
      ...budgetOf({ limits: { total_usd: 30 } }),
    });
    const { token } = await person.client.call("createRunToken", { body: { run: "nightly" } });
    let count = 0;
    model.answer = (_, response) => {
      const id = `resp_${String((count += 1)).padStart(16, "0")}`;
      const usage = { input_tokens: 1000, output_tokens: 1, total_tokens: 1001 };
      send(response, { id, object: "response", model: "gpt-5.2", status: "completed", output: [], usage });
      return true;
    };
    const respond = (more: Record<string, unknown>): Promise<Response> =>
      ask(gateway, { token }, "openai/v1/responses", {
        model: "gpt-5.2",
        input: "x",
        max_output_tokens: 1,
        ...more,
      });
    const { id } = (await (await respond({})).json()) as { id: string };
    await gateway.ledger.flush();
    const asked = await Promise.all(Array.from({ length: 20 }, () => respond({ previous_response_id: id })));
    expect(asked.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(3);
  });

  it("keeps nobody else's pauses from being seen, however often one pauses", async () => {
    const { gateway, person, approver, askAs, pauses } = await pausing(
      budgetOf({ limits: { total_usd: 1e-6 } }),
    );
    const pauseAs = async (by: Person, run: string): Promise<Response> => {
      const { token } = await by.client.call("createRunToken", { body: { run } });
      const mini = chatOf({ model: "gpt-5.2-mini" });
      expect((await askAs(token, mini)).status).toBe(200);
      await gateway.ledger.flush();
      return askAs(token, mini);
    };
    const colleague = await gateway.person("planner");
    expect((await pauseAs(colleague, "release")).status).toBe(402);
    for (let count = 0; count < 103; count += 1) {
      const said = await (await pauseAs(person, `r${count}`)).text();
      expect(said).toContain(count < 100 ? "An approver raises" : "an approver has to decide on some first");
      const pause = (await pauses(person)).find(({ run }) => run === `r${count}`);
      if (pause !== undefined)
        await person.client.call("decideRunPause", { params: { id: pause.id }, body: { decision: "stop" } });
    }
    expect((await pauses(approver)).filter(({ state }) => state === "waiting").map(({ run }) => run)).toEqual(
      ["release"],
    );
    // What an approver decides on makes room for others.
    const own = (await pauses(approver)).find(({ state }) => state === "stopped");
    expect(own).toBeDefined();
    await gateway.database.queries
      .updateTable("run_pauses")
      .set({ decided_by: approver.name })
      .where("id", "=", own?.id ?? "")
      .execute();
    expect(await (await pauseAs(person, "another")).text()).toContain("An approver raises");
  });

  it("says what is spent as it stands, however fast its calls follow each other, and whatever became of the limit", async () => {
    const { gateway, token, askAs, pauses, raise } = await pausing();
    for (const status of [200, 200, 402]) expect((await askAs(token)).status).toBe(status);
    expect(await pauses()).toMatchObject([{ state: "waiting", spent: 20, of: 15 }]);
    await raise(5);
    expect((await askAs(token)).status).toBe(200);
    expect(await (await askAs(token)).text()).toContain("30 USD of 15 USD are spent");
    expect(await pauses()).toMatchObject([{ state: "waiting", spent: 30, of: 15 }]);
    expect(JSON.parse((await audited(gateway, "run.paused")).at(-1)?.metadata ?? "")).toMatchObject({
      spent_usd: 30,
    });
    await gateway.push(budgetOf({ limits: { total_usd: 25 } }));
    expect(await (await askAs(token)).text()).toContain("30 USD of 25 USD are spent");
    expect(await pauses()).toMatchObject([{ state: "waiting", spent: 30, of: 25 }]);
    await raise(1);
    expect(JSON.parse((await audited(gateway, "run.raised")).at(-1)?.metadata ?? "")).toMatchObject({
      spent_usd: 30,
      of_usd: 25,
      more_usd: 1,
    });
  });

  it("is stopped as a whole, through whichever of its pauses", async () => {
    const { approver, token, askAs, spend, pauses } = await pausing(budgetOf({ per: "model" }));
    await spend();
    const mini = chatOf({ model: "gpt-5.2-mini" });
    for (let count = 0; count < 15; count += 1) expect((await askAs(token, mini)).status).toBe(200);
    expect((await askAs(token)).status).toBe(402);
    expect((await askAs(token, mini)).status).toBe(402);
    const [one, other] = await pauses();
    const decide = (id: string | undefined, body: PauseDecision) =>
      approver.client.call("decideRunPause", { params: { id: id ?? "" }, body });
    await decide(one?.id, { decision: "stop" });
    expect((await pauses()).map(({ state, may, amount }) => [state, may.raise, amount])).toEqual([
      ["stopped", false, null],
      ["stopped", false, null],
    ]);
    expect(await problemOf(decide(other?.id, { decision: "raise", amount: 3 }))).toMatchObject({
      code: "already_decided",
    });
  });

  it("goes to one model, whichever of its limits is decided on last", async () => {
    const { approver, gateway, model, token, askAs, pauses } = await pausing({
      ...budgetOf({
        per: undefined,
        scope: { models: ["gpt-5.2"] },
        limits: { daily_usd: 15, total_usd: 15 },
      }),
      ...pricesOf(
        { model: "gpt-5.2", input: 10_000, output: 0 },
        { model: "gpt-5.2-mini", input: 1000, output: 0 },
        { model: "gpt-5.2-nano", input: 1000, output: 0 },
      ),
    });
    for (const status of [200, 200, 402]) expect((await askAs(token)).status).toBe(status);
    const decide = async (model: string) => {
      const waiting = (await pauses()).find(({ state }) => state === "waiting");
      return approver.client.call("decideRunPause", {
        params: { id: waiting?.id ?? "" },
        body: { decision: "reroute", model, amount: 1 },
      });
    };
    await decide("gpt-5.2-mini");
    await gateway.push(budgetOf({ per: undefined, scope: {}, limits: { weekly_usd: 15 } }));
    expect((await askAs(token)).status).toBe(402);
    await decide("gpt-5.2-nano");
    expect((await askAs(token)).status).toBe(200);
    expect(model.asked.at(-1)?.body).toMatchObject({ model: "gpt-5.2-nano" });
  });

  it("asks nobody any more where its budget blocks from now on, whatever was decided", async () => {
    const { gateway, approver, token, askAs, spend, pauses, raise } = await pausing();
    await spend();
    expect((await askAs(token)).status).toBe(402);
    await raise(100);
    await gateway.push(budgetOf({ on_exceeded: "block" }));
    expect((await askAs(token)).status).toBe(402);
    const [pause] = await pauses();
    expect(pause).toMatchObject({ state: "over", may: { raise: false, stop: false } });
    expect(
      await problemOf(
        approver.client.call("decideRunPause", {
          params: { id: pause?.id ?? "" },
          body: { decision: "raise", amount: 1 },
        }),
      ),
    ).toMatchObject({ code: "already_decided" });
  });

  it("is decided on by whoever knows what was decided last, where they say what they saw", async () => {
    const { gateway, approver, token, askAs, spend, pauses } = await pausing();
    await spend();
    expect((await askAs(token)).status).toBe(402);
    const [pause] = await pauses();
    const other = await gateway.person("approver");
    const decide = (by: Person, amount: number, seen?: string | null) =>
      by.client.call("decideRunPause", {
        params: { id: pause?.id ?? "" },
        body: { decision: "raise", amount, ...(seen === undefined ? {} : { seen }) },
      });
    const first = await decide(approver, 1, null);
    expect(await problemOf(decide(other, 100, null))).toMatchObject({
      code: "already_decided",
      detail: expect.stringContaining(`${approver.name} has decided`) as string,
    });
    expect(await decide(other, 2, first.decided_at)).toMatchObject({ amount: 2, decided_by: other.name });
    expect(await decide(approver, 3)).toMatchObject({ amount: 3 });
  });

  it("shares its purse with nobody else's run of that name, and is the same run in any case", async () => {
    const { gateway, token, tokenOf, askAs, pauses, approver } = await pausing();
    const colleague = await gateway.person("planner");
    const theirs = (await colleague.client.call("createRunToken", { body: { run: "nightly" } })).token;
    for (const status of [200, 200, 402]) expect((await askAs(theirs)).status).toBe(status);
    expect((await askAs(token)).status).toBe(200);
    expect((await askAs(await tokenOf("NIGHTLY"))).status).toBe(200);
    expect((await askAs(token)).status).toBe(402);
    const { items } = await approver.client.call("listBudgets");
    expect(items.map(({ holder, spent }) => [holder, spent])).toEqual(
      expect.arrayContaining([
        [`nightly · ${colleague.name}`, 20],
        [expect.stringContaining("nightly · "), 20],
      ]),
    );
    const own = (await pauses()).find(({ user }) => user.name !== colleague.name);
    await approver.client.call("decideRunPause", {
      params: { id: own?.id ?? "" },
      body: { decision: "stop" },
    });
    expect(await problemOf(tokenOf("Nightly"))).toMatchObject({ code: "policy_denied" });
    expect((await askAs(token)).status).toBe(401);
  });

  it("does the same on PostgreSQL", async () => {
    const { token, askAs, spend, pauses, raise, gateway } = await pausing(
      budgetOf(),
      await openDatabase({ url: await newPostgresUrl(), file: "" }),
    );
    await spend();
    await Promise.all([askAs(token), askAs(token)]);
    expect(await pauses()).toHaveLength(1);
    await raise(5);
    for (const status of [200, 402]) {
      expect((await askAs(token)).status).toBe(status);
      await gateway.ledger.flush();
    }
  });
});
