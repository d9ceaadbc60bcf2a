import { createClient } from "@ciclo/contract";
import { stringify } from "yaml";
import { pushFiles } from "../../../server/tests/support/config.ts";
import { eventually } from "../../../server/tests/support/eventually.ts";
import type { RunningConsole } from "./server.ts";

const models = [
  ["anthropic", "claude-opus-5-5", 52_000, 2100],
  ["anthropic", "claude-sonnet-4-5", 31_000, 1500],
  ["openai", "gpt-5.2", 18_000, 900],
  ["google", "gemini-2.5-pro", 9000, 700],
  // One that no table knows.
  ["acme", "acme-large-1", 4000, 300],
] as const;

/** Forty days of calls as agents of two people export them, and budgets in each state. */
export async function seedCosts({ url, git, tokens }: RunningConsole, now = new Date()): Promise<void> {
  pushFiles(git, {
    "policies/budget.yaml": stringify({
      id: "budget",
      kind: "budget",
      title: "All calls",
      limits: { monthly_usd: 5000, rolling: [{ hours: 5, usd: 400 }] },
      alert_at: [0.8],
      on_exceeded: "block",
    }),
    "policies/opus.yaml": stringify({
      id: "opus",
      kind: "budget",
      title: "Opus, each person",
      scope: { models: ["claude-opus-*"] },
      per: "person",
      limits: { total_usd: 8 },
      on_exceeded: "block",
    }),
    "policies/night.yaml": stringify({
      id: "night",
      kind: "budget",
      title: "Claude",
      scope: { models: ["claude-*"] },
      limits: { total_usd: 12 },
      alert_at: [0.5],
      on_exceeded: "warn",
    }),
  });
  await pauseRun({ url, git, tokens });
  const root = createClient({ baseUrl: url, token: tokens["root"], locale: "pt-BR" });
  const budgets = (least: number) =>
    eventually(
      () => root.call("listBudgets"),
      ({ items }) => items.filter(({ policy }) => policy !== "spend-guard").length >= least,
    );
  await budgets(3);
  for (const name of ["ana", "bruno"])
    for (let day = 0; day < 40; day += 1) {
      const spans = models.flatMap(([provider, model, input, output], index) =>
        // Not everybody uses everything every day.
        (day * 7 + index * 3 + name.length) % 4 === 0
          ? []
          : [span(`${name}${day}x${index}`, { provider, model, input: input + day * 300, output }, day, now)],
      );
      const response = await fetch(`${url}/v1/traces`, {
        method: "POST",
        headers: { authorization: `Bearer ${tokens[name]}`, "content-type": "application/json" },
        body: JSON.stringify({
          resourceSpans: [
            {
              resource: {
                attributes: [
                  {
                    key: "service.name",
                    value: { stringValue: name === "ana" ? "github-copilot" : "my-agent" },
                  },
                ],
              },
              scopeSpans: [{ spans }],
            },
          ],
        }),
      });
      if (response.status !== 200) throw new Error(`the export was refused: ${await response.text()}`);
    }
  // With a purse for each of two people.
  await budgets(5);
}

type Used = { provider: string; model: string; input: number; output: number };

function span(id: string, { provider, model, input, output }: Used, daysAgo: number, now: Date) {
  const at = now.getTime() - daysAgo * 86_400_000 - 60_000;
  const attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": provider,
    "gen_ai.response.model": model,
    "gen_ai.usage.input_tokens": input,
    "gen_ai.usage.cache_read.input_tokens": Math.floor(input / 2),
    "gen_ai.usage.output_tokens": output,
  };
  return {
    traceId: id,
    spanId: id,
    name: `chat ${model}`,
    endTimeUnixNano: `${at}000000`,
    attributes: Object.entries(attributes).map(([key, value]) => ({
      key,
      value: typeof value === "number" ? { intValue: value } : { stringValue: value },
    })),
  };
}

/** A run that used up a budget which asks, by what it reported itself. */
async function pauseRun({ url, git, tokens }: Pick<RunningConsole, "url" | "git" | "tokens">): Promise<void> {
  pushFiles(git, {
    "policies/nightly.yaml": stringify({
      id: "nightly",
      kind: "budget",
      title: "Nightly runs",
      scope: { runs: ["nightly-42"] },
      limits: { total_usd: 0.05 },
      on_exceeded: "ask",
    }),
    "policies/models.yaml": stringify({
      id: "models",
      kind: "models",
      title: "Models",
      // Nothing listens there: a call that is refused goes nowhere.
      providers: [{ id: "openai", dialect: "openai", url: "http://127.0.0.1:9/v1" }],
    }),
    "policies/access.yaml": stringify({
      id: "access",
      kind: "access",
      title: "Access",
      default: "deny",
      rules: [{ roles: ["planner"], servers: ["*"], models: ["*"], tools: ["*"], effect: "allow" }],
    }),
  });
  const ana = createClient({ baseUrl: url, token: tokens["ana"], locale: "en" });
  await eventually(
    () => ana.call("listBudgets"),
    ({ items }) => items.some(({ policy }) => policy === "nightly"),
  );
  const { token } = await ana.call("createRunToken", { body: { run: "nightly-42" } });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const used = span(
    "nightly42",
    { provider: "openai", model: "gpt-5.2", input: 40_000, output: 900 },
    0,
    new Date(),
  );
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "my-agent" } }] };
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [used] }] }] });
  await fetch(`${url}/v1/traces`, { method: "POST", headers, body });
  const ask = { model: "gpt-5.2", messages: [{ role: "user", content: "Go on" }] };
  await eventually(
    () =>
      fetch(`${url}/llm/openai/v1/chat/completions`, { method: "POST", headers, body: JSON.stringify(ask) }),
    ({ status }) => status === 402,
  );
}
