import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { modelCall } from "./support/usage.ts";
import { ask, chatOf, endpointOf } from "./support/model-endpoint.ts";
import { send } from "./support/model-double.ts";
import { temporaryFolder } from "./support/temporary.ts";

const bin = fileURLToPath(new URL("../bin/ciclo.mjs", import.meta.url));
const day = (): string => new Date().toISOString().slice(0, 10);
const window = () => ({ provider: "openai", from: day(), to: day(), tz: "UTC" });

/** Two calls of a model that is billed by date, one of a model without a price, and one that only an agent tells of. */
async function used() {
  const { gateway, person, model } = await endpointOf();
  model.answer = ({ body }, response) => {
    const usage = { prompt_tokens: 100_000, completion_tokens: 1000 };
    send(response, { id: "x", model: body["model"], choices: [], usage });
    return true;
  };
  const chats = "openai/v1/chat/completions";
  for (const name of ["gpt-5.2", "gpt-5.2", "gpt-unheard-of"])
    await ask(gateway, person, chats, chatOf({ model: name }));
  const told = modelCall(
    "told",
    {
      at: new Date().toISOString(),
      ms: null,
      usage: null,
      cost: { nanoUsd: 500_000_000, source: "override", version: null },
    },
    { source: "log", method: null, provider: "openai", model: "gpt-5", actorName: null, agent: "codex" },
  );
  await gateway.ledger.take([told]);
  return { gateway, person };
}

const perCall = (100_000 * 1750 + 1000 * 14_000) / 1e9;

describe("a provider's invoice beside the ledger", () => {
  it("agrees where it says the same, and says by model what may explain the rest", async () => {
    const { person } = await used();
    const result = await person.client.call("reconcile", {
      body: {
        ...window(),
        lines: [
          { model: "gpt-5.2-2025-12-11", usd: Number((2 * perCall).toFixed(2)) },
          { model: "gpt-unheard-of", usd: 0.9 },
          { model: "gpt-5", usd: 0.75 },
          { model: "o9-mini", usd: 0.25 },
        ],
      },
    });
    const of = (model: string) => result.models.find((one) => one.model === model);
    expect(of("gpt-5.2")).toMatchObject({ calls: 2, ledger_usd: 2 * perCall, reasons: [] });
    expect(of("gpt-unheard-of")).toMatchObject({
      difference_usd: 0.9,
      unpriced_calls: 1,
      reasons: [expect.stringContaining("1 calls have no known price")],
    });
    expect(of("gpt-5")).toMatchObject({
      difference_usd: 0.25,
      reasons: [expect.stringContaining("known only from codex itself. A sub-agent that is still running")],
    });
    expect(of("o9-mini")).toMatchObject({
      calls: 0,
      reasons: [expect.stringContaining("Not in the ledger")],
    });
    expect(result.models[0]?.model).toBe("gpt-unheard-of");
    expect(result.total).toMatchObject({ calls: 4 });
    expect(result.total.difference_usd).toBeCloseTo(
      result.models.reduce((sum, { difference_usd }) => sum + difference_usd, 0),
      9,
    );
  });

  it.each([
    [
      "OpenAI's costs",
      'start_time_iso,amount_value,amount_currency,line_item\n2026-11-01,0.30,usd,"gpt-5.2-2025-12-11, input"\n2026-11-01,0.078,usd,"gpt-5.2-2025-12-11, output"\n',
    ],
    [
      "Anthropic's cost report",
      "usage_date_utc,model,token_type,cost_usd\n2026-11-01,gpt-5.2,input,0.30\n2026-11-01,gpt-5.2,output,0.078\n",
    ],
    ["one typed by hand", "\uFEFFModel;USD\ngpt-5.2;0,378\n".replace("0,378", "0,38")],
  ])("may be %s", async (_, csv) => {
    const { person } = await used();
    const { models } = await person.client.call("reconcile", { body: { ...window(), csv } });
    expect(models.find(({ model }) => model === "gpt-5.2")).toMatchObject({ calls: 2, reasons: [] });
  });

  it.each([
    ["when,what\n1,2\n", /no column for the model .* It has: when, what/],
    ["model,usd\ngpt-5.2,many\n", /line 2: many is no amount/],
    ['model,usd\n"gpt-5.2,1\n', /is no CSV/],
  ])("is refused with what is wrong: %j", async (csv, said) => {
    const { person } = await used();
    await expect(person.client.call("reconcile", { body: { ...window(), csv } })).rejects.toMatchObject({
      problem: { errors: [{ path: "csv", message: expect.stringMatching(said) }] },
    });
  });

  it("is a command, too", async () => {
    const { gateway, person } = await used();
    const file = join(await temporaryFolder(), "invoice.csv");
    writeFileSync(file, "model,usd\ngpt-5.2,1.00\n");
    const { provider, from, to } = window();
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [bin, "usage", "reconcile", file, "--provider", provider, "--from", from, "--to", to],
      { env: { ...process.env, CICLO_URL: gateway.url, CICLO_TOKEN: person.token } },
    );
    expect(stdout).toMatch(/^gpt-5\.2 +0\.38 +1\.00 +0\.62 +2$/m);
    expect(stdout).toContain("gpt-5: Not on the invoice");
  });
});
