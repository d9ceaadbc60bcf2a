import { stringify } from "yaml";
import { replayModels } from "./replies.ts";

/** What a replay's console is configured with: its own model, its own agent, its own repository. */
export function policiesFor({
  repository,
  model,
  agent,
}: {
  repository: string;
  model: string;
  agent: string;
}): ReadonlyMap<string, string> {
  const route = (name: string) => ({ provider: "replay", model: name });
  const policies = {
    network: {
      title: "Network",
      allow_hosts: ["127.0.0.1"],
      allow_private: true,
      require_tls: false,
    },
    models: {
      title: "Models: a replay",
      providers: [{ id: "replay", dialect: "openai", url: `${model}/v1`, models: ["replay-*"] }],
    },
    cost: {
      title: "Which phase asks which model",
      defaults: { ...route(replayModels.doc), max_tokens: 60_000, timeout_s: 60, max_cost_usd: 2 },
      routes: Object.fromEntries(Object.entries(replayModels).map(([phase, name]) => [phase, route(name)])),
    },
    prices: {
      title: "Prices, as an example",
      table: "genai-prices 0.1.8",
      rows: Object.values(replayModels).map((name) => ({
        provider: "replay",
        model: name,
        from: "2026-01-01",
        usd_per_million: { input: 3, output: 15 },
        source: "an example: nobody is paid for a replay",
      })),
    },
    cycles: {
      title: "Cycles",
      repositories: [repository],
      executor: {
        command: process.execPath,
        args: [agent],
        agent: "replay-agent",
        model: replayModels.executor,
      },
    },
  };
  return new Map(
    Object.entries(policies).map(([id, rest]) => [
      `policies/${id}.yaml`,
      stringify({ id, kind: id, ...rest }),
    ]),
  );
}
