import { describe, expect, it } from "vitest";
import { statedCost } from "../src/domain/usage.ts";
import { newSequentialId } from "../src/lib/ids.ts";
import { decideWith, planWith, submitWith } from "./support/console.ts";
import { send } from "./support/model-double.ts";
import { modelCall } from "./support/usage.ts";
import { ask, budgetStandings, calls, chatOf, endpointOf, pricesOf } from "./support/model-endpoint.ts";

const chats = "openai/v1/chat/completions";
const today = () => new Date().toISOString().slice(0, 10);
const window = () => ({ from: today(), to: today(), tz: "UTC" });

const prices = (usd: number): Record<string, string> =>
  pricesOf({ model: "gpt-unheard-of", input: usd, output: usd });

describe("prices of calls", () => {
  it("are those of their time, until somebody asks for today's: on record, in every sum and budget", async () => {
    const { gateway, person, approver } = await endpointOf({
      "policies/budget.yaml":
        "id: budget\nkind: budget\ntitle: All\nlimits: { daily_usd: 5 }\non_exceeded: block\n",
    });
    await ask(gateway, person, chats, chatOf({ model: "gpt-unheard-of" }));
    await ask(gateway, person, chats, chatOf());
    const before = await calls(gateway);
    await gateway.push(prices(10));
    const total = async () =>
      (await person.client.call("getUsage", { query: { group_by: "model", tz: "UTC" } })).total;
    expect(await total()).toMatchObject({ calls: 2, unpriced_calls: 1 });
    const body = { ...window(), only: "unpriced" as const };
    await expect(person.client.call("reprice", { body: { ...body, dry_run: true } })).rejects.toThrow(
      /Requires: approver/,
    );
    const said = await approver.client.call("reprice", { body: { ...body, dry_run: true } });
    const usd = ((1001 + 11) * 10) / 1e6;
    expect(said).toMatchObject({ dry_run: true, calls: 1, usd_before: 0, usd_after: usd });
    expect(await total()).toMatchObject({ unpriced_calls: 1 });
    await approver.client.call("reprice", { body: { ...body, dry_run: false } });
    const rows = await calls(gateway);
    expect(
      rows.map(({ model, cost_source }) => `${model} ${cost_source}`).toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(["gpt-5.2 table", "gpt-unheard-of override"]);
    const sum = rows.reduce((all, { cost_nano_usd }) => all + (cost_nano_usd ?? 0), 0);
    expect(await total()).toMatchObject({ calls: 2, unpriced_calls: 0, cost_usd: sum / 1e9 });
    expect(await budgetStandings(approver)).toMatchObject([{ spent: sum / 1e9 }]);
    // The other call is the same row as before, and a second time changes nothing.
    expect(rows.find(({ model }) => model === "gpt-5.2")?.id).toBe(
      before.find(({ model }) => model === "gpt-5.2")?.id,
    );
    expect(await approver.client.call("reprice", { body: { ...body, dry_run: false } })).toMatchObject({
      calls: 0,
    });
    const { items } = await approver.client.call("listAudit", { query: { action: "usage.repriced" } });
    expect(items).toMatchObject([
      { actor_name: approver.name, metadata: { calls: 1, usd_before: 0, usd_after: usd } },
    ]);
  });

  it("are not those of a server that stated its own, whatever is asked for", async () => {
    const { gateway, approver } = await endpointOf();
    const at = new Date().toISOString();
    await gateway.ledger.take([
      modelCall("t:1", {
        at,
        cost: { nanoUsd: 5e9, source: "estimated", version: statedCost },
      }),
    ]);
    const body = { ...window(), only: "all" as const, dry_run: false };
    expect(await approver.client.call("reprice", { body })).toMatchObject({ calls: 0 });
    expect(await calls(gateway)).toMatchObject([{ cost_nano_usd: 5e9 }]);
  });

  it("change by a plan, from the change on", async () => {
    const { gateway, person, approver } = await endpointOf(prices(10));
    await ask(gateway, person, chats, chatOf({ model: "gpt-unheard-of" }));
    const row = {
      provider: "openai",
      model: "gpt-unheard-of",
      from: "2026-01-01",
      source: "contract of May",
    };
    const planned = await planWith(person, "edit_policies", {
      policy_id: "prices",
      changes: { rows: [{ ...row, usd_per_million: { input: 20, output: 20 } }] },
    });
    expect(planned.plan.risks.map(({ title }) => title)).toEqual([
      "Price of openai/gpt-unheard-of from 2026-01-01: input 10, output 10 → input 20, output 20",
    ]);
    const { approval_id } = await submitWith(person, planned);
    await decideWith(approver, approval_id, "approve");
    await gateway.servers.reconcile();
    await ask(gateway, person, chats, chatOf({ model: "gpt-unheard-of" }));
    const [before, after] = await calls(gateway);
    // The double counts on from call to call.
    expect([before?.cost_nano_usd, after?.cost_nano_usd]).toEqual([
      (1001 + 11) * 10_000,
      (1002 + 12) * 20_000,
    ]);
    expect(after?.price_version).toMatch(
      /^policies\/prices\.yaml openai\/gpt-unheard-of 2026-01-01 #[0-9a-f]{8}$/,
    );
  });

  it("come from another table only once a plan names it", async () => {
    const { gateway, person, approver } = await endpointOf({
      "policies/prices.yaml": "id: prices\nkind: prices\ntitle: Prices\ntable: genai-prices 0.1.7\n",
    });
    const asked = {
      model: "claude-opus-5-5",
      max_tokens: 20,
      messages: [{ role: "user", content: "Hello" }],
    };
    await ask(gateway, person, "anthropic/v1/messages", asked);
    const planned = await planWith(person, "edit_policies", {
      policy_id: "prices",
      changes: { table: "genai-prices 0.1.8" },
    });
    expect(planned.plan.risks.map(({ title }) => title)).toEqual([
      "Prices come from the table genai-prices 0.1.8; was: genai-prices 0.1.7",
    ]);
    const { approval_id } = await submitWith(person, planned);
    await decideWith(approver, approval_id, "approve");
    await gateway.servers.reconcile();
    await ask(gateway, person, "anthropic/v1/messages", asked);
    const [before, after] = await calls(gateway);
    // The older table has only `claude-opus-5`, and the price of another model is none.
    expect(before).toMatchObject({
      cost_nano_usd: null,
      cost_source: "unpriced",
      price_version: "genai-prices 0.1.7 of 2026-09-16",
    });
    // 4 USD a million and 20 for what is written; 0.20 from the cache, 5 and 8 into it.
    expect(after).toMatchObject({
      input: 1002,
      output: 12,
      cache_read: 200,
      cache_write_short: 46,
      cache_write_long: 24,
      cost_nano_usd: 1002 * 4000 + 12 * 20_000 + 200 * 200 + 46 * 5000 + 24 * 8000,
      cost_source: "table",
      price_version: "genai-prices 0.1.8 of 2026-09-23",
    });
  });

  it("are again those of the model that answered, and none for audio", async () => {
    const { model, gateway, person, approver } = await endpointOf(
      pricesOf({ model: "gpt-that-answers", input: 10, output: 10 }),
    );
    const answerWith = (name: string, details: object) => {
      model.answer = (_, response) => {
        const usage = { prompt_tokens: 100, completion_tokens: 10, ...details };
        send(response, { id: newSequentialId(), model: name, choices: [], usage });
        return true;
      };
    };
    answerWith("gpt-that-answers", {});
    await ask(gateway, person, chats, chatOf());
    answerWith("gpt-5.2", { prompt_tokens_details: { audio_tokens: 50 } });
    await ask(gateway, person, chats, chatOf());
    const before = await calls(gateway);
    expect(before.map(({ cost_nano_usd }) => cost_nano_usd)).toEqual([110 * 10_000, null]);
    const all = { ...window(), only: "all" as const, dry_run: false };
    expect(await approver.client.call("reprice", { body: all })).toMatchObject({ calls: 0 });
    expect(await calls(gateway)).toEqual(before);
  });

  it("that are changed for all leave no call without the one it had", async () => {
    const { gateway, person, approver } = await endpointOf(prices(10));
    await ask(gateway, person, chats, chatOf({ model: "gpt-unheard-of" }));
    await gateway.push(prices(20));
    await gateway.ledger.flush();
    const all = { ...window(), only: "all" as const, dry_run: false };
    expect(await approver.client.call("reprice", { body: all })).toMatchObject({ calls: 1 });
    expect((await calls(gateway)).map(({ cost_nano_usd }) => cost_nano_usd)).toEqual([1012 * 20_000]);
    await gateway.push(pricesOf());
    expect(await approver.client.call("reprice", { body: all })).toMatchObject({ calls: 0 });
    expect((await calls(gateway)).map(({ cost_nano_usd }) => cost_nano_usd)).toEqual([1012 * 20_000]);
  });
});
