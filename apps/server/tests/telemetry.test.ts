import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { pushFiles } from "./support/config.ts";
import { gitWith } from "./support/git.ts";
import { startGateway } from "./support/mcp/gateway.ts";
import { listen } from "./support/mcp/http-servers.ts";
import { ask, chatOf, endpointOf } from "./support/model-endpoint.ts";
import { promtool } from "./support/promtool.ts";
import { temporaryFolder } from "./support/temporary.ts";
import { startConsole } from "./support/console.ts";

const chats = "openai/v1/chat/completions";
const metricsOf = async (url: string, token: string): Promise<string> => {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  return await response.text();
};

describe("metrics of the console", () => {
  it("are what Prometheus reads: calls, tokens, costs, budgets, changes, queue and health", async () => {
    const { gateway, person } = await endpointOf({
      "policies/budget.yaml":
        "id: budget\nkind: budget\ntitle: All\nlimits: { daily_usd: 5 }\non_exceeded: block\n",
    });
    await metricsOf(gateway.url, person.token);
    await ask(gateway, person, chats, chatOf());
    await ask(gateway, person, chats, chatOf());
    await ask(gateway, person, chats, chatOf({ model: "gpt-unheard-of" }));
    const text = await metricsOf(gateway.url, person.token);
    const model = 'gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="gpt-5.2"';
    const value = (start: string): number => {
      const line = text.split("\n").find((one) => one.startsWith(start));
      return Number(line?.split(" ").at(-1));
    };
    expect(value(`gen_ai_client_operation_duration_count{${model}`)).toBe(2);

    const usage = (type: string): number =>
      text
        .split("\n")
        .filter((line) => line.startsWith("gen_ai_client_token_usage_sum"))
        .filter((line) => line.includes(`gen_ai_token_type="${type}"`) && line.includes('"gpt-5.2"'))
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    expect([usage("input"), usage("output")]).toEqual([1001 + 1002, 11 + 12]);
    expect(text).toMatch(/^ciclo_calls_total\{.*ciclo_status="ok".*\} 2$/m);
    expect(text).toMatch(/^ciclo_unpriced_calls_total\{.*gpt-unheard-of.*\} 1$/m);
    // 901 fresh and 100 cached tokens, 11 written; then one more of each.
    const usd = (901 * 1750 + 100 * 175 + 11 * 14_000 + 902 * 1750 + 100 * 175 + 12 * 14_000) / 1e9;
    expect(value("ciclo_cost_usd_total")).toBeCloseTo(usd, 9);
    expect(value('ciclo_budget_limit{policy="budget",limit="daily_usd"')).toBe(5);
    expect(text).toMatch(/^ciclo_health\{check="database"\} 0$/m);
    expect(text).toMatch(/^ciclo_queue \d+$/m);
    expect(text).not.toContain(person.name);
    expect(promtool(["check", "metrics"], text)).toEqual({ status: 0, said: "" });
    // The alerts of the guide speak of metrics that are there.
    const guide = readFileSync(new URL("../../../docs/monitoring.md", import.meta.url), "utf8");
    const named = new Set(guide.match(/\b(?:ciclo|gen_ai|process)_[a-z_]+/g));
    const absent = [...named].filter((name) => !text.includes(name) && name !== "ciclo_changes");
    expect(absent.filter((name) => name !== "ciclo_status")).toEqual([]);
  });

  it("have examples of alerts that Prometheus takes, of metrics that are there", async () => {
    const guide = readFileSync(new URL("../../../docs/monitoring.md", import.meta.url), "utf8");
    const rules = [...guide.matchAll(/```yaml\n(groups:[^]*?)```/g)].map(([, yaml = ""]) => yaml);
    expect(rules).toHaveLength(1);
    const file = join(await temporaryFolder(), "alerts.yaml");
    writeFileSync(file, rules[0] ?? "");
    expect(promtool(["check", "rules", file])).toMatchObject({
      status: 0,
      said: expect.stringContaining("6 rules found"),
    });
  });

  it("are for whoever has a token", async () => {
    const { request } = await startConsole();
    const refused = await request("/metrics");
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      detail: expect.stringContaining("authorization.credentials"),
    });
    expect((await request("/metrics", { headers: { authorization: "Bearer nobody" } })).status).toBe(401);
  });
});

describe("what is sent to a collector", () => {
  it("are spans and metrics with the names of OpenTelemetry, and no prompt, answer or key", async () => {
    const received: { path: string; team: unknown; body: unknown }[] = [];
    const collector = await listen(async (request, response) => {
      const body: unknown = await json(request);
      received.push({ path: request.url ?? "", team: request.headers["x-team"], body });
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    }, "");
    const { gateway, person, approver } = await endpointOf(
      {},
      {
        collector: { url: collector.url, headers: { "x-team": "core" } },
      },
    );
    await gateway.features.telemetry.workers.start();
    await metricsOf(gateway.url, person.token);
    const secret = "a prompt that nobody else is to read";
    await ask(gateway, person, chats, chatOf({ messages: [{ role: "user", content: secret }] }));
    const { plan, patch } = await person.client.call("plan", {
      body: { intent: "add_agent", payload: { agent_name: "catalog" } },
    });
    const { approval_id } = await person.client.call("apply", {
      body: { plan, patch, actor: person.name, actor_email: person.email },
    });
    await approver.client.call("apply", {
      body: { approval_id: approval_id ?? "", approval_decision: "approve", approval_reason: "ok" },
    });
    await gateway.features.telemetry.workers.stop();
    const said = JSON.stringify(received);
    expect(received.map(({ path }) => path)).toEqual(expect.arrayContaining(["/v1/traces", "/v1/metrics"]));
    expect(received.every(({ team }) => team === "core")).toBe(true);
    for (const word of [
      "chat gpt-5.2",
      "gen_ai.usage.input_tokens",
      "gen_ai.client.token.usage",
      "change add_agent",
    ])
      expect(said).toContain(word);
    for (const word of [secret, "Hello.", "key-of-openai", person.token]) expect(said).not.toContain(word);
  });

  it("is a span for each step that a change took out of the queue, and for each time that a check of health was not well", async () => {
    type Sent = { name: string; spanId: string; parentSpanId?: string; attributes: unknown };
    const spans: Sent[] = [];
    const collector = await listen(async (request, response) => {
      const body = (await json(request)) as {
        resourceSpans?: { scopeSpans: { spans: Sent[] }[] }[];
      };
      for (const { scopeSpans } of body.resourceSpans ?? [])
        spans.push(...scopeSpans.flatMap((scope) => scope.spans));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    }, "");
    const { url, git, features, person } = await startGateway(
      [],
      {},
      { config: { collector: { url: collector.url, headers: {} } } },
    );
    const [planner, approver] = [await person("planner"), await person("approver")];
    await features.telemetry.workers.start();
    const policy = "policies/cost.yaml";
    const whole = gitWith("", git, "show", `main:${policy}`);
    const healthOf = async (): Promise<string | undefined> =>
      /^ciclo_health\{check="configuration"\} (\d)$/m.exec(await metricsOf(url, planner.token))?.[1];
    expect(await healthOf()).toBe("0");
    pushFiles(git, { [policy]: "id: cost\nkind: nothing\n" });
    expect(await healthOf()).toBe("1");
    pushFiles(git, { [policy]: whole });
    expect(await healthOf()).toBe("0");

    const { plan, patch } = await planner.client.call("plan", {
      body: { intent: "add_agent", payload: { agent_name: "catalog" } },
    });
    const { approval_id } = await planner.client.call("apply", {
      body: { plan, patch, actor: planner.name, actor_email: planner.email },
    });
    await approver.client.call("apply", {
      body: { approval_id: approval_id ?? "", approval_decision: "approve", approval_reason: "ok" },
    });
    await features.telemetry.workers.stop();
    const below = (parent: Sent | undefined): Sent[] =>
      spans.filter(({ parentSpanId }) => parent !== undefined && parentSpanId === parent.spanId);
    const [queue, ...others] = below(spans.find(({ name }) => name === "change add_agent"));
    expect([queue?.name, others]).toEqual(["queue", []]);
    expect(below(queue).map(({ name }) => name)).toContain("step land");
    const outages = spans.filter(({ name }) => name === "health configuration");
    expect(outages.map(({ attributes }) => attributes)).toEqual([
      [
        { key: "ciclo.health.check", value: { stringValue: "configuration" } },
        { key: "ciclo.health.status", value: { stringValue: "degraded" } },
      ],
    ]);
  });

  it("keeps nobody from stopping where the collector does not answer", async () => {
    const { features } = await startConsole({
      config: { collector: { url: "http://127.0.0.1:9", headers: {} } },
    });
    await features.telemetry.workers.start();
    await features.telemetry.service.metrics();
    await features.telemetry.workers.stop();
    expect(features.telemetry.workers.troubles()).toEqual([]);
  });
});
