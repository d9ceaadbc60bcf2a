import type { RegistryServer } from "@ciclo/contract";
import { stringify } from "yaml";
import type { Database } from "../../src/db/dialect.ts";
import type { Config } from "../../src/config.ts";
import type { Person } from "./console.ts";
import { startGateway, type TestGateway } from "./mcp/gateway.ts";
import { modelDouble } from "./model-double.ts";
import { callsIn } from "./usage.ts";

const providersOf = (url: string) => [
  { id: "openai", dialect: "openai", url: `${url}/v1`, key: "secret:openai/API_KEY" },
  { id: "anthropic", dialect: "anthropic", url, key: "secret:anthropic/API_KEY" },
  { id: "google", dialect: "google", url, key: "secret:google/API_KEY" },
];

/** The team's prices, in dollars a million tokens; the built-in table holds for the rest. */
export const pricesOf = (...models: { model: string; input: number; output: number }[]) => ({
  "policies/prices.yaml": stringify({
    id: "prices",
    kind: "prices",
    title: "Prices",
    table: "genai-prices 0.1.8",
    rows: models.map(({ model, ...usd_per_million }) => ({
      provider: "openai",
      model,
      from: "2026-01-01",
      usd_per_million,
      source: "contract",
    })),
  }),
});

/** A console with a model endpoint, the double of three providers behind it, their keys, and a planner who may use their models. */
export async function endpointOf(
  more: Record<string, string> = {},
  config: Partial<Config> = {},
  servers: readonly RegistryServer[] = [],
  database?: Database,
) {
  const model = await modelDouble();
  const gateway = await startGateway(
    servers,
    {
      "policies/access.yaml": stringify({
        id: "access",
        kind: "access",
        title: "Access",
        default: "deny",
        rules: [
          {
            roles: ["planner"],
            servers: ["*"],
            models: ["gpt-*", "claude-*", "gemini-*", "text-*"],
            effect: "allow",
          },
        ],
      }),
      "policies/models.yaml": stringify({
        id: "models",
        kind: "models",
        title: "Models",
        providers: providersOf(model.url),
      }),
      ...more,
    },
    database === undefined ? { config } : { config, database },
  );
  const approver = await gateway.person("approver");
  for (const provider of ["openai", "anthropic", "google"])
    await approver.client.call("addKey", {
      body: { provider, name: "API_KEY", value: `key-of-${provider}-0123456789` },
    });
  const person = await gateway.person("planner");
  return { model, gateway, person, approver };
}

export const ask = (
  { url }: Pick<TestGateway, "url">,
  { token }: Pick<Person, "token">,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${url}/llm/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

export const calls = async (gateway: TestGateway) => {
  await gateway.ledger.flush();
  return callsIn(gateway.database.queries);
};
export const lastCall = async (gateway: TestGateway) => (await calls(gateway)).at(-1);

/** Where the limits of `policies/budget.yaml` stand, apart from those that a new repository comes with. */
export const budgetStandings = async ({ client }: Person) =>
  (await client.call("listBudgets")).items.filter(({ policy }) => policy === "budget");

export const chatOf = (more: Record<string, unknown> = {}) => ({
  model: "gpt-5.2",
  messages: [{ role: "user", content: "Hello" }],
  ...more,
});
export const messageOf = (more: Record<string, unknown> = {}) => ({
  model: "claude-opus-5-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "Hello" }],
  ...more,
});
