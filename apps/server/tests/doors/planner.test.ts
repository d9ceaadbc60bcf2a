import { existsSync } from "node:fs";
import { request as httpRequest, type ServerResponse } from "node:http";
import { hostname } from "node:os";
import { join } from "node:path";
import { isForbiddenVariable, type RegistryServer } from "@ciclo/contract";
import fc from "fast-check";
import { stringify } from "yaml";
import { beforeAll, describe, expect, it } from "vitest";
import { leadsHere } from "../../src/lib/own-addresses.ts";
import { openPolicies, pushFiles, registryOf } from "../support/config.ts";
import { type Person, planWith, problemOf, startConsole, type TestConsole } from "../support/console.ts";
import { eventually } from "../support/eventually.ts";
import { startGateway } from "../support/mcp/gateway.ts";
import { fixture, remote } from "../support/mcp/handshake.ts";
import { listen } from "../support/mcp/http-servers.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** What somebody can and cannot do who may plan, and means harm. */

let running: TestConsole;
let planner: Person;
/** A folder that commands may write to, so that what ran is seen. */
let shared: string;

const commandsPolicy = (allow: object[]) => ({
  "policies/commands.yaml": stringify({ id: "commands", kind: "commands", title: "Commands", allow }),
});
const { command = "", args = [] } = fixture("hands");
const local: RegistryServer = { ...fixture("hands"), id: "local", title: "Local" };
const hub: RegistryServer = {
  ...remote("https://hub.example/mcp"),
  id: "hub",
  headers: { Authorization: "Bearer secret:hub/TOKEN" },
};

async function put(files: Record<string, string>): Promise<void> {
  pushFiles(running.git, files);
  await running.servers.reconcile();
}

beforeAll(async () => {
  running = await startConsole();
  planner = await running.person("planner");
  shared = await temporaryFolder();
  await put({ ...openPolicies([command], [shared]), "mcp-registry.yaml": registryOf([hub, local]) });
});

const onboard = (body: Record<string, unknown>) =>
  planner.client.call("onboard", { body: { repository: "acme/tools", intent: "plan", ...body } as never });

/** Every way by which a command with its variables gets in. */
const commandWays: [string, (env: Record<string, string>) => Promise<unknown>][] = [
  ["a handshake", (auth) => onboard({ agent_name: "x", command, args, auth, intent: "validate" })],
  ["onboarding", (auth) => onboard({ agent_name: "x", command, args, auth })],
  [
    "a request that is planned",
    (auth) => planWith(planner, "onboard_server", { agent_name: "x", command, args, auth: references(auth) }),
  ],
  [
    "a new agent",
    (auth) => planWith(planner, "add_agent", { agent_name: "x", command, args, auth: references(auth) }),
  ],
  ["an edit", (env) => planWith(planner, "edit_server", { server: "local", changes: { env } })],
  [
    "a list of servers",
    (env) =>
      planWith(planner, "import_servers", {
        servers: [{ id: "x", title: "X", transport: "stdio", command, args, env }],
      }),
  ],
];
/** Where only references are taken. */
const references = (values: Record<string, string>) =>
  Object.fromEntries(Object.keys(values).map((name) => [name, `secret:x/${name.replaceAll(/\W/g, "_")}`]));

const begun = async () => {
  const { items } = await planner.client.call("listAudit", { query: { action: "server.handshake_begun" } });
  return items;
};

describe("variables that say what code programs load", () => {
  it.each(commandWays)("are refused in %s", async (_, way) => {
    for (const name of [
      "NODE_OPTIONS",
      "LD_PRELOAD",
      "PATH",
      "HOME",
      "PYTHONSTARTUP",
      "npm_config_registry",
    ]) {
      const before = (await begun()).length;
      const problem = await problemOf(way({ [name]: "/tmp/anything" }));
      expect(problem.errors?.map(({ message }) => message).join()).toMatch(/no server may set a variable/);
      expect(await begun()).toHaveLength(before);
    }
  });

  it("are known in any case and by their beginnings", () => {
    const known = [
      "LD_AUDIT",
      "DYLD_INSERT_LIBRARIES",
      "NODE_PATH",
      "npm_config_cache",
      "PERL5LIB",
      "RUBYOPT",
      "GIT_SSH",
    ];
    const cased = fc.constantFrom(...known).chain((name) =>
      fc.array(fc.boolean(), { minLength: name.length, maxLength: name.length }).map((flags) =>
        name
          .split("")
          .map((each, index) => (flags[index] ? each.toLowerCase() : each))
          .join(""),
      ),
    );
    fc.assert(fc.property(cased, (name) => isForbiddenVariable(name)));
    for (const odd of ["", "A B", "A=B", "1A", "A\n", "Ａ", "A\0"])
      expect(isForbiddenVariable(odd)).toBe(true);
    for (const plain of ["API_URL", "GITHUB_TOKEN", "TOKEN", "NODE_ENV", "TIMEOUT_S", "HOMEPAGE"])
      expect(isForbiddenVariable(plain)).toBe(false);
  });
});

describe("a command before approval", () => {
  const ran = () => existsSync(join(shared, "ran"));
  const script = (file: string) => ["-e", `require("fs").writeFileSync(${JSON.stringify(file)}, "")`];

  it.each([
    ["that no entry lists", [{ command, args: ["other"], env: ["*"] }], /does not list the command/],
    [
      "whose variables its entry does not list",
      [{ command, env: ["API_URL"] }],
      /does not let the command .* set TOKEN/,
    ],
    [
      "whose command line and variables stand in two entries",
      [{ command }, { command, args: ["other"], env: ["TOKEN"] }],
      /does not let the command .* set TOKEN/,
    ],
  ])("is not started: one %s", async (_, allow, says) => {
    await put(commandsPolicy(allow.map((entry) => ({ ...entry, writes: [shared] }))));
    const said = await problemOf(
      onboard({ agent_name: "x", command, args: script(join(shared, "ran")), auth: { TOKEN: "t" } }),
    );
    expect(said).toMatchObject({ status: 403, code: "policy_denied" });
    expect(said.detail).toMatch(says);
    expect(ran()).toBe(false);
    await put(openPolicies([command], [shared]));
    // The same command does run where it may, so that what was not seen above was not there.
    await onboard({
      agent_name: "x",
      command,
      args: script(join(shared, "ran-allowed")),
      intent: "validate",
    });
    expect(existsSync(join(shared, "ran-allowed"))).toBe(true);
  });

  it("is not started where its entry says after_approval, and can be planned all the same", async () => {
    await put(commandsPolicy([{ command, handshake: "after_approval", writes: [shared] }]));
    const { plan, validation } = await onboard({
      agent_name: "x",
      command,
      args: script(join(shared, "ran")),
    });
    expect(validation.ok).toBe(false);
    expect(validation.steps[0]?.detail).toMatch(/its entry says handshake: after_approval/);
    expect(plan?.risks.map(({ title }) => title)).toContain(
      "Tool list of x unknown: its endpoint was not validated",
    );
    expect(ran()).toBe(false);
    await put(openPolicies([command], [shared]));
  });

  it("is on record before it starts", async () => {
    const reached = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slow = await listen((_, response) => {
      reached.resolve();
      void release.promise.then(() => response.writeHead(500).end());
    });
    const asking = onboard({ agent_name: "slow", endpoint: slow.url, intent: "validate" });
    await reached.promise;
    const [entry] = await begun();
    expect(entry).toMatchObject({
      actor_name: planner.name,
      resource: "server:slow",
      metadata: { url: slow.url },
    });
    release.resolve();
    await asking;
    await onboard({
      agent_name: "local-too",
      command,
      args,
      auth: { TOKEN: "never-on-record" },
      intent: "validate",
    });
    const [last] = await begun();
    expect(last).toMatchObject({
      resource: "server:local-too",
      metadata: { command: [command, ...args].join(" "), variables: ["TOKEN"] },
    });
    expect(JSON.stringify(last)).not.toContain("never-on-record");
  });

  it("takes its turn: few at once, and no endless queue", async () => {
    const release = Promise.withResolvers<void>();
    let [now, most] = [0, 0];
    const answer = async (response: ServerResponse): Promise<void> => {
      now += 1;
      most = Math.max(most, now);
      await release.promise;
      now -= 1;
      response.writeHead(500).end();
    };
    const slow = await listen((_, response) => void answer(response));
    const asked = Array.from({ length: 66 }, () =>
      onboard({ agent_name: "slow", endpoint: slow.url, intent: "validate" }).then(
        () => 200,
        (error: { problem: { status: number } }) => error.problem.status,
      ),
    );
    await eventually(
      () => Promise.resolve(now),
      (each) => each === 4,
    );
    release.resolve();
    const statuses = await Promise.all(asked);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    expect(most).toBe(4);
  });

  it("holds no stored key, wherever its reference stands", async () => {
    await running.keys.add(
      { id: null, name: "test", roles: [] } as never,
      { provider: "local", name: "TOKEN", value: "stored-value" },
      "en",
    );
    const inVariable = await onboard({
      agent_name: "spy",
      command,
      args: [...args, "tells"],
      auth: { TOKEN: "secret:local/TOKEN" },
      intent: "validate",
    });
    const inArgument = await onboard({
      agent_name: "spy",
      command,
      args: [...args, "secret:local/TOKEN"],
      intent: "validate",
    });
    for (const { validation } of [inVariable, inArgument]) {
      expect(validation.ok).toBe(false);
      expect(validation.steps[0]?.detail).toMatch(
        /secret:local\/TOKEN is a stored key: .* only once somebody has approved/,
      );
    }
  });
});

describe("a plan that sends a stored key elsewhere", () => {
  const risksOf = async (changes: Record<string, unknown>, server = "hub") =>
    (await planWith(planner, "edit_server", { server, changes })).plan.risks.map(
      ({ impact, title }) => `${impact}: ${title}`,
    );

  it.each([
    ["another host", { url: "https://other.example/mcp" }, "https://other.example/mcp, header Authorization"],
    [
      "another path",
      { url: "https://hub.example/collect" },
      "https://hub.example/collect, header Authorization",
    ],
    ["without TLS", { url: "http://hub.example/mcp" }, "http://hub.example/mcp, header Authorization"],
    [
      "another header",
      { headers: { Authorization: null, "X-Log": "Bearer secret:hub/TOKEN" } },
      "https://hub.example/mcp, header X-Log",
    ],
    [
      "a command",
      { transport: "stdio", url: null, headers: null, command: "env", env: { TOKEN: "secret:hub/TOKEN" } },
      "env, variable TOKEN",
    ],
    [
      "an argument",
      { transport: "stdio", url: null, headers: null, command: "env", args: ["--token=secret:hub/TOKEN"] },
      "env --token=secret:hub/TOKEN",
    ],
  ])("says so as a high risk: %s", async (_, changes, now) => {
    expect(await risksOf(changes)).toContain(
      `high: Sends secret:hub/TOKEN to ${now}; was: https://hub.example/mcp, header Authorization`,
    );
  });

  it("says so of another server that takes it, and of a reference that nobody had", async () => {
    const taken = await planWith(planner, "add_agent", {
      agent_name: "copy",
      endpoint: "https://other.example/mcp",
      auth: { Authorization: "secret:hub/TOKEN" },
    });
    expect(taken.plan.risks.map(({ title }) => title)).toContain(
      "Sends secret:hub/TOKEN to https://other.example/mcp, header Authorization; was: https://hub.example/mcp, header Authorization",
    );
    const unused = await planWith(planner, "add_agent", {
      agent_name: "copy",
      endpoint: "https://other.example/mcp",
      auth: { Authorization: "secret:elsewhere/TOKEN" },
    });
    expect(unused.plan.risks).toContainEqual(
      expect.objectContaining({
        impact: "high",
        title:
          "Sends secret:elsewhere/TOKEN to https://other.example/mcp, header Authorization; was: sent nowhere",
      }),
    );
  });

  it("does not cry where nothing moves", async () => {
    expect((await risksOf({ title: "Hub, renamed" })).filter((risk) => risk.includes("Sends"))).toEqual([]);
    expect((await risksOf({ timeouts: { call_ms: 5000 } })).filter((risk) => risk.includes("Sends"))).toEqual(
      [],
    );
  });

  it("tells of changed headers, environment and addresses that carry no key too", async () => {
    expect(await risksOf({ headers: { "X-Team": "a" } })).toContain(
      "high: Changes the headers of hub: adds X-Team: a",
    );
    expect(await risksOf({ env: { API_URL: "https://a.example" } }, "local")).toContain(
      "high: Changes the environment of local: adds API_URL: https://a.example",
    );
    expect(await risksOf({ url: "http://hub.example/mcp" })).toEqual(
      expect.arrayContaining([
        "high: Server hub is reached at http://hub.example/mcp; was: https://hub.example/mcp",
        "high: Server hub is reached without TLS: http://hub.example/mcp",
      ]),
    );
  });
});

describe("a plan that changes where models are asked, what they cost, or who is told", () => {
  const provider = {
    id: "openai",
    dialect: "openai",
    url: "https://api.openai.com/v1",
    key: "secret:openai/API_KEY",
  };
  const row = {
    provider: "zai",
    model: "glm-4.6",
    from: "2026-01-01",
    usd_per_million: { input: 0.6, output: 2.2 },
    source: "https://docs.z.ai",
  };
  const hook = { id: "team", url: "https://hooks.example/team", on: ["budget.*"] };
  const policy = (id: string, more: object) => ({
    [`policies/${id}.yaml`]: stringify({ id, kind: id, title: id, ...more }),
  });
  let author: Person;
  beforeAll(async () => {
    const console_ = await startConsole();
    pushFiles(console_.git, {
      ...policy("models", { providers: [provider] }),
      ...policy("prices", { table: "genai-prices 0.1.8", rows: [row] }),
      ...policy("notify", { webhooks: [hook] }),
    });
    author = await console_.person("planner");
  });

  it.each<[string, string, object, string[]]>([
    [
      "another host",
      "models",
      { providers: [{ ...provider, url: "https://other.example/v1" }] },
      [
        "high: Models of openai are asked at https://other.example/v1; was: https://api.openai.com/v1",
        "high: Sends secret:openai/API_KEY to https://other.example/v1, models of openai; was: https://api.openai.com/v1, models of openai",
      ],
    ],
    [
      "a second provider with the first one's key, without TLS",
      "models",
      { providers: [provider, { ...provider, id: "mirror", url: "http://other.example/v1" }] },
      [
        "high: Models of mirror are asked without TLS: http://other.example/v1",
        "high: Sends secret:openai/API_KEY to http://other.example/v1, models of mirror; was: https://api.openai.com/v1, models of openai",
        "medium: Models of mirror are asked at http://other.example/v1",
      ],
    ],
    [
      "a provider's key as the address of a webhook",
      "notify",
      { webhooks: [hook, { id: "copy", url: "secret:openai/API_KEY" }] },
      [
        "high: Sends secret:openai/API_KEY to the address that it holds, as webhook copy; was: https://api.openai.com/v1, models of openai",
        "medium: Webhook copy tells secret:openai/API_KEY of: budget.*, run.*",
      ],
    ],
    [
      "a webhook that hears more",
      "notify",
      { webhooks: [{ ...hook, on: ["budget.*", "key.*"] }] },
      ["medium: Webhook team tells https://hooks.example/team of: budget.*, key.*"],
    ],
    [
      "a lower price",
      "prices",
      { rows: [{ ...row, usd_per_million: { input: 0.6, output: 0 } }] },
      ["high: Price of zai/glm-4.6 from 2026-01-01: input 0.6, output 2.2 → input 0.6, output 0"],
    ],
    [
      "a step that makes calls cheap",
      "prices",
      { rows: [{ ...row, above: [{ input_tokens: 1, usd_per_million: { input: 0, output: 0 } }] }] },
      [
        "high: Price of zai/glm-4.6 from 2026-01-01: input 0.6, output 2.2 → input 0.6, output 2.2, input over 1 0, output over 1 0",
      ],
    ],
    [
      "a price in front of another",
      "prices",
      { rows: [{ ...row, model: "glm-5", usd_per_million: { input: 1, output: 3 } }, row] },
      ["medium: New price of zai/glm-5 from 2026-01-01: input 1, output 3 (https://docs.z.ai)"],
    ],
    [
      "no price any more",
      "prices",
      { rows: [] },
      ["medium: No price of its own any more: zai/glm-4.6 from 2026-01-01"],
    ],
    [
      "other names",
      "prices",
      { providers: { "z.ai": "zai" } },
      ["high: Prices know providers by other names: z.ai: z.ai → zai"],
    ],
    ["no more than another title", "prices", { title: "What models cost" }, []],
    [
      "a webhook that hears less",
      "notify",
      { webhooks: [{ ...hook, on: ["key.*"] }] },
      [
        "medium: Webhook team no longer tells of: budget.*",
        "medium: Webhook team tells https://hooks.example/team of: key.*",
      ],
    ],
    [
      "no webhook any more",
      "notify",
      { webhooks: [] },
      ["medium: Webhook team no longer tells of: budget.*"],
    ],
    [
      "other models, and another name for its prices",
      "models",
      { providers: [{ ...provider, models: ["gpt-*"], prices: "free" }] },
      ["medium: Provider openai is asked for other models: openai: * → openai: gpt-* (free)"],
    ],
  ])("says so: %s", async (_, policy_id, changes, says) => {
    const { plan } = await planWith(author, "edit_policies", { policy_id, changes });
    expect(plan.risks.map(({ impact, title }) => `${impact}: ${title}`).toSorted()).toEqual(says);
  });
});

describe("a plan that has models asked of another provider", () => {
  const provider = (id: string, models: string[]) => ({
    id,
    dialect: "openai",
    url: `https://${id}.example/v1`,
    models,
  });
  const [first, second] = [provider("first", ["gpt-*"]), provider("second", ["glm-*"])];
  it.each([
    [
      "by one in front of them",
      [{ ...provider("third", ["*"]), prices: "free" }, first, second],
      [
        "high: Prompts for glm-* go to third (https://third.example/v1); were: second (https://second.example/v1)",
        "high: Prompts for gpt-* go to third (https://third.example/v1); were: first (https://first.example/v1)",
        "medium: Models of third (free) are asked at https://third.example/v1",
      ],
    ],
    [
      "by one that is gone",
      [provider("second", ["*"])],
      [
        "high: Prompts for gpt-* go to second (https://second.example/v1); were: first (https://first.example/v1)",
        "medium: Provider second is asked for other models: openai: glm-* → openai: *",
      ],
    ],
    ["by no other, whatever their order", [second, first], []],
    [
      "by what they are asked for",
      [provider("first", ["gpt-5"]), provider("second", ["*"])],
      [
        "high: Prompts for gpt-* go to second (https://second.example/v1); were: first (https://first.example/v1)",
        "medium: Provider first is asked for other models: openai: gpt-* → openai: gpt-5",
        "medium: Provider second is asked for other models: openai: glm-* → openai: *",
      ],
    ],
    ["by none", [first, second], []],
  ])("says so: %s", async (_, providers, says) => {
    const running = await startConsole();
    pushFiles(running.git, {
      "policies/models.yaml": stringify({
        id: "models",
        kind: "models",
        title: "Models",
        providers: [first, second],
      }),
    });
    const author = await running.person("planner");
    const { plan } = await planWith(author, "edit_policies", {
      policy_id: "models",
      changes: { title: "What is asked", providers },
    });
    expect(plan.risks.map(({ impact, title }) => `${impact}: ${title}`).toSorted()).toEqual(says);
  });
});

describe("a plan that takes a budget away", () => {
  const limited = {
    id: "team",
    kind: "budget",
    title: "Team",
    scope: { people: ["ana"] },
    limits: { daily_usd: 5, rolling: [{ hours: 5, usd: 8 }] },
    on_exceeded: "block",
    unpriced: "refuse",
  };
  const files = {
    "policies/team.yaml": stringify(limited),
    "policies/small.yaml": stringify({ ...limited, id: "small", scope: undefined, limits: { daily_usd: 1 } }),
    "policies/idle.yaml": stringify({ ...limited, id: "idle", scope: undefined }),
    "policies/openai.yaml": stringify({ ...limited, id: "openai", scope: { servers: ["openai"] } }),
    "policies/models.yaml": stringify({
      id: "models",
      kind: "models",
      title: "Models",
      providers: [{ id: "openai", dialect: "openai", url: "https://api.openai.com/v1" }],
    }),
    "agents/hub/agent.yaml": stringify({
      name: "hub",
      title: "Hub",
      version: "1.0.0",
      finops: { monthly_usd: 100 },
      policies: ["small"],
    }),
  };
  const edit = (policy_id: string, changes: Record<string, unknown>) =>
    ["edit_policies", { policy_id, changes }] as const;
  it.each([
    [
      "no rolling limit",
      edit("team", { limits: { rolling: [] } }),
      ['high: team: limits.rolling no longer holds (was {"hours":5,"usd":8})'],
    ],
    [
      "one of fewer hours",
      edit("team", { limits: { rolling: [{ hours: 1, usd: 8 }] } }),
      ['high: team: limits.rolling no longer holds (was {"hours":5,"usd":8})'],
    ],
    ["a stricter one", edit("team", { limits: { rolling: [{ hours: 24, usd: 8 }] } }), []],
    [
      "models without a price",
      edit("team", { unpriced: "allow" }),
      ["high: team: calls of models without a price are let through uncounted"],
    ],
    [
      "no scope",
      edit("team", { scope: null }),
      [
        'high: policies/team.yaml no longer holds any call back (was daily_usd 5, rolling [{"hours":5,"usd":8}])',
      ],
    ],
    [
      "another zone",
      edit("team", { time_zone: "Pacific/Kiritimati" }),
      ["medium: team: periods start over in the time zone Pacific/Kiritimati (was UTC)"],
    ],
    [
      "an agent less",
      ["remove_agent", { agent_name: "hub" }] as const,
      [
        "high: Nobody offers what hub did: —",
        "high: hub: finops.monthly_usd no longer holds (was 100)",
        "high: policies/small.yaml no longer holds any call back (was daily_usd 1)",
      ],
    ],
    [
      "a provider's other name",
      edit("models", { providers: [{ id: "openai2", dialect: "openai", url: "https://api.openai.com/v1" }] }),
      [
        "high: Prompts for * go to openai2 (https://api.openai.com/v1); were: openai (https://api.openai.com/v1)",
        "high: openai names openai, which is gone or called otherwise: it binds none of those calls",
        "medium: Models of openai2 are asked at https://api.openai.com/v1",
      ],
    ],
    [
      "a budget that binds nobody",
      edit("idle", { limits: { daily_usd: 2 } }),
      ["medium: idle binds no call: it has no scope, and no agent names it"],
    ],
  ])("says so: %s", async (_, [intent, payload], says) => {
    const running = await startConsole();
    pushFiles(running.git, files);
    const author = await running.person("planner");
    const { plan } = await planWith(author, intent, payload);
    const told = plan.risks.map(({ impact, title }) => `${impact}: ${title}`);
    expect(told.filter((each) => !/^low|rises|falls/.test(each)).toSorted()).toEqual(says.toSorted());
  });
});

describe("a plan that gives an agent more to spend", () => {
  it.each([
    [{ monthly_usd: 200 }, ["medium: hub: finops.monthly_usd rises (100 → 200)"]],
    [
      { cost_center: "x" },
      ["high: hub: finops.monthly_usd no longer holds (was 100)", "medium: hub has no budget of its own"],
    ],
    [{ monthly_usd: 50 }, []],
  ])("says so: %j", async (finops, says) => {
    const running = await startConsole();
    const manifest = { name: "hub", title: "Hub", version: "1.0.0", finops: { monthly_usd: 100 } };
    pushFiles(running.git, { "agents/hub/agent.yaml": stringify(manifest) });
    const author = await running.person("planner");
    const { plan } = await planWith(author, "generate_artifact", {
      artifact_type: "agent.manifest",
      target_path: "agents/hub/agent.yaml",
      parameters: { finops },
    });
    const told = plan.risks.map(({ impact, title }) => `${impact}: ${title}`);
    expect(told.filter((each) => !each.includes("Replaces the whole")).toSorted()).toEqual(says);
  });
});

describe("a credential in plain", () => {
  const opened = { command, args };
  const bad: [string, string[]][] = [
    ["behind a switch", ["--api-key", "hunter2hunter"]],
    ["inline", ["--token=hunter2hunter"]],
    ["a numeric password", ["--password", "12345678"]],
    ["in a variable of docker", ["run", "-e", "GITHUB_TOKEN=hunter2hunter", "image"]],
    ["in a header", ["--header", "Authorization: Bearer hunter2hunter"]],
    ["in a header's other spelling", ["-H", "X-Api-Key:hunter2hunter"]],
    ["in an address", ["postgres://ana:hunter2@db.example/app"]],
    ["in an address without a user", ["redis://:hunter2@db.example:6379/0"]],
    ["in a connection string", ["Server=db.example;User Id=sa;Password=hunter2;"]],
    ["in words", ["host=db.example password=hunter2 dbname=app"]],
    ["in a query", ["https://api.example/mcp?api_key=hunter2hunter"]],
    ["by its look alone", ["a8Fk29dLqP03mZx7Tn4Vb6Yc"]],
    ["glued to its switch", ["-phunter2hunter"]],
    ["behind a short name", ["--pass", "hunter2"]],
    ["behind another short name", ["--pw=hunter2"]],
    ["in Portuguese", ["--senha", "hunter2"]],
    ["in a variable that runs together", ["run", "-e", "PGPASS=hunter2", "image"]],
    ["in a variable with a short ending", ["run", "-e", "DB_PASS=hunter2", "image"]],
    ["in a variable whose name says nothing", ["run", "-e", "STRIPE=Hu2nter2Hunter2", "image"]],
    ["behind a user", ["-u", "admin:hunter2"]],
    ["behind a login", ["--login", "bob:hunter2hunter"]],
    ["in a header whose name says nothing", ["--header", "X-Team: Hu2nter2Hunter2"]],
    ["in JSON", ['{"token":"hunter2"}']],
    ["behind a name without a switch", ["API_KEY", "hunter2hunter"]],
    ["in a setting", ["--set", "auth.token=hunter2"]],
    ["within a longer name", ["--secret-key-base", "hunter2-dor"]],
    ["within a longer name in Portuguese", ["--senha-do-banco", "hunter2-dor"]],
    ["behind a numbered name", ["--password1", "hunter2-dor"]],
    ["as databases take it", ["oracle/hunter2@db.example:1521"]],
    ["as Java's databases take it", ["jdbc:oracle:thin:scott/hunter2@db.example:1521/x"]],
    ["behind a colon", ["--auth_token:hunter2hunter"]],
    ["as words to recover by", ["--seed-phrase", "hunter2 able about above"]],
    ["in Spanish", ["--contraseña", "hunter2"]],
    ["in German", ["--kennwort=hunter2"]],
    ["in a line of its own", ["sh", "-c", "run --password hunter2"]],
    ["behind one letter", ["-p", "Hu2nter2Hunter2!"]],
    ["as a proxy's user", ["--proxy-user", "u:hunter2"]],
    ["beside a variable", ["--api-key", "hunter2${X}hunter"]],
  ];
  it.each(bad)("is refused in arguments: %s", async (_, more) => {
    const all = [...args, ...more];
    const ways = [
      onboard({ ...opened, agent_name: "x", args: all, intent: "validate" }),
      onboard({ ...opened, agent_name: "x", args: all }),
      planWith(planner, "add_agent", { ...opened, agent_name: "x", args: all }),
      planWith(planner, "edit_server", { server: "local", changes: { args: all } }),
      planWith(planner, "import_servers", {
        servers: [{ id: "x", title: "X", transport: "stdio", command, args: all }],
      }),
    ];
    for (const problem of await Promise.all(ways.map(problemOf))) {
      expect(JSON.stringify(problem)).toMatch(/Store it as a key|carries a secret/);
      expect(JSON.stringify(problem)).not.toMatch(/hunter2|a8Fk29|Hu2nter2/);
    }
    const { servers } = await planner.client.call("importServers", {
      body: { client: "cursor", contents: JSON.stringify({ mcpServers: { x: { command, args: all } } }) },
    });
    expect(servers[0]).toMatchObject({
      outcome: "skipped",
      reason: expect.stringMatching(/credential|secret/) as string,
    });
  });

  it.each([
    ["its path", "https://hub.example/a8Fk29dLqP03mZx7Tn4Vb6Yc/mcp"],
    ["its query", "https://hub.example/mcp?token=hunter2hunter"],
    ["its user", "https://ana:hunter2@hub.example/mcp"],
    ["a short name in its query", "https://hub.example/mcp?user=a&pass=hunter2"],
    ["a signature in its query", "https://hub.example/mcp?sig=hunter2hunter"],
    ["a parameter of its path", "https://hub.example/mcp;token=hunter2hunter"],
    ["a query whose name says nothing", "https://hub.example/mcp?x=Hu2nter2Hunter2"],
    ["its fragment", "https://hub.example/mcp#Hu2nter2Hunter2"],
    ["a short part of its path", "https://hub.example/Hu2nter2Hunter2/mcp"],
  ])("is refused in an address: %s", async (_, url) => {
    const ways = [
      onboard({ agent_name: "x", endpoint: url, intent: "validate" }),
      planWith(planner, "add_agent", { agent_name: "x", endpoint: url }),
      planWith(planner, "edit_server", { server: "hub", changes: { url } }),
      planWith(planner, "import_servers", {
        servers: [{ id: "x", title: "X", transport: "streamable_http", url }],
      }),
    ];
    for (const problem of await Promise.all(ways.map(problemOf)))
      expect(JSON.stringify(problem)).not.toMatch(/hunter2|a8Fk29|Hu2nter2/);
    const { servers } = await planner.client.call("importServers", {
      body: { client: "cursor", contents: JSON.stringify({ mcpServers: { x: { url } } }) },
    });
    expect(servers[0]).toMatchObject({ outcome: "skipped" });
  });

  it("is refused in the command lines that the policy lists, as in those of servers", async () => {
    for (const more of [
      ["--api-key", "hunter2hunter"],
      ["--password=hunter2"],
      ["https://h.example/mcp?token=hunter2hunter"],
    ]) {
      const changes = { allow: [{ command: "npx", args: ["-y", "@acme/mcp", ...more] }] };
      const problem = await problemOf(planWith(planner, "edit_policies", { policy_id: "commands", changes }));
      expect(problem.errors?.[0]?.path).toMatch(/^policies\/commands\.yaml: allow\.0\.args\./);
      expect(JSON.stringify(problem)).not.toContain("hunter2");
    }
    const changes = {
      allow: [{ command: "npx", args: ["-y", "@acme/mcp", "--api-key", "secret:acme/KEY"] }],
    };
    const { plan } = await planWith(planner, "edit_policies", { policy_id: "commands", changes });
    expect(plan.status).toBe("pending");
  });

  it.each([
    ["headers", { server: "hub", changes: { headers: { "X-Custom": "a8Fk29dLqP03mZx7Tn4Vb6Yc" } } }],
    ["env", { server: "local", changes: { env: { DATABASE: "postgres://ana:hunter2@db.example/app" } } }],
  ])("is refused in %s whose name says nothing", async (_, payload) => {
    const problem = await problemOf(planWith(planner, "edit_server", payload));
    expect(problem.errors?.[0]?.message).toMatch(/Store it as a key/);
  });

  it.each([
    ["a number of tokens", ["--max-tokens", "4000"]],
    ["the same inline", ["--max-tokens=128k", "--token-limit=9000"]],
    ["a path of a key", ["--key-file", "/etc/ssl/private.pem"]],
    ["a kind of sign-in", ["--auth-type", "bearer", "--auth=oauth"]],
    ["a pinned image", [`image@sha256:${"0a1b2c3d".repeat(8)}`]],
    ["a pinned commit", [`git+https://git.example/x#${"0a1b2c3d4e".repeat(4)}`]],
    ["a package", ["-y", "@modelcontextprotocol/server-github@2025.4.8"]],
    ["a name of a table", ["--primary-key", "customer_id"]],
    ["an address with a port", ["http://127.0.0.1:8080/mcp?page=2"]],
    ["ports, a user and a group", ["run", "-p", "8080:80", "-p8080", "-u", "1000:1000", "-u", "node:node"]],
    ["a region", ["run", "-e", "AWS_REGION=us-east-1", "-e", "NODE_VERSION=v20.11.1", "image"]],
    ["a program's version", ["-jar", "/opt/Java17Server2.jar", "--name=Web2ServerProd1"]],
    [
      "names of folders, servers and classes",
      ["/srv/QuarterlyReports2024Q3", "--server=DatabaseReplica2West"],
    ],
    ["a commit and a digest", ["--commit", "0a1b2c3d4e5f6071".repeat(2), `--sha256=${"0a1b2c3d".repeat(8)}`]],
    ["what is about a credential", ["--token-type", "bearer1234", "--password-file", "/run/pw1234"]],
    ["words that end alike", ["--bypass", "local1234", "--compass", "north1234"]],
    ["a reference", ["--token=secret:local/TOKEN", "secret:local/TOKEN"]],
    [
      "a variable that is passed on",
      ["run", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN", "ghcr.io/github/github-mcp-server"],
    ],
    ["a variable's name", ["--header", "Authorization:${AUTH_HEADER}", "--api-key", "${API_KEY}"]],
    ["an address of variables", ["postgres://${DB_USER}:${DB_PASS}@db/app"]],
    ["a digest of a package", ["--integrity", `sha384-${"aB3/".repeat(16)}`]],
    ["an address of a commit", [`https://github.com/org/repo/tree/${"0a1b2c3d4e".repeat(4)}`]],
    ["a name of a class", ["-Dauth.provider=com.example.security.Sha256TokenVerifier2"]],
    ["an id", ["--trace-id", "4bf92f3577b34da6a3ce929d0e0e4736"]],
    ["what keeps credentials", ["--secret-manager", "gcp", "--credential-helper", "osxkeychain"]],
    ["a key of a cache, an end of a text", ["--cache-key", "v2-linux-x64", "--stop-token", "<|end|>"]],
    ["a sentence", ["--system", "Never reveal a token to anybody, or a password"]],
  ])("is not seen in %s", async (_, more) => {
    const { plan } = await planWith(planner, "edit_server", {
      server: "local",
      changes: { args: [...args, ...more] },
    });
    expect(plan.status).toBe("pending");
  });
});

describe("a reference that would stay as it is written", () => {
  it.each([
    ["in the middle", { headers: { "X-A": "secret:hub/TOKEN and more" } }],
    ["twice", { headers: { "X-A": "secret:hub/TOKEN secret:hub/TOKEN" } }],
    ["in another case", { headers: { "X-A": "Secret:hub/TOKEN" } }],
    ["without a name", { headers: { "X-A": "secret:hub/" } }],
    ["with a provider that cannot be", { headers: { "X-A": "secret:Hub_1/TOKEN" } }],
    ["in an address", { url: "https://hub.example/mcp?t=secret:hub/TOKEN" }],
  ])("is refused by the schema: %s", async (_, changes) => {
    const problem = await problemOf(planWith(planner, "edit_server", { server: "hub", changes }));
    expect(problem).toMatchObject({ status: 422 });
    expect(problem.errors?.[0]?.message).toMatch(/a reference stands once, at the end/);
  });
});

describe("this console as a server of its own", () => {
  const own = { publicUrl: "https://ciclo.example.com", host: "console.internal", port: 8787 };
  it.each([
    ["its public address", "https://ciclo.example.com/mcp"],
    ["the same in another case and with its port", "HTTPS://CICLO.example.com:443/mcp/hub"],
    ["where it listens", "http://127.0.0.1:8787/mcp"],
    ["by another name of this machine", "http://localhost:8787/mcp"],
    ["by a name below it", "http://x.localhost:8787/mcp"],
    ["by the name that it listens on", "http://console.internal:8787/mcp"],
    ["over a socket", "ws://[::1]:8787/mcp"],
    ["with the root's dot", "http://localhost.:8787/mcp"],
    ["with the root's dot at its public address", "https://ciclo.example.com./mcp"],
    ["as IPv4 within IPv6", "http://[::ffff:127.0.0.1]:8787/mcp"],
    ["by the machine's name", `http://${hostname()}:8787/mcp`],
    ["within an argument", "--url=https://ciclo.example.com/mcp"],
  ])("is recognised: %s", (_, text) => {
    expect(leadsHere(text, own)).toBe(true);
  });
  it.each([
    "https://hub.example.com/mcp",
    "http://127.0.0.1:8788/mcp",
    "ciclo.example.com",
    "https://ciclo.example.com.evil.example/mcp",
    "8787",
  ])("is not seen in %s", (text) => {
    expect(leadsHere(text, own)).toBe(false);
  });

  it("is refused on every way in", async () => {
    const console_ = await startConsole({ config: { publicUrl: own.publicUrl } });
    const person = await console_.person("planner");
    pushFiles(console_.git, { ...openPolicies(["npx"]), "mcp-registry.yaml": registryOf([hub]) });
    const url = "https://ciclo.example.com/mcp";
    const remoteArgs = ["-y", "mcp-remote", url];
    const ways = [
      person.client.call("onboard", {
        body: { repository: "x", intent: "validate", agent_name: "x", endpoint: url },
      }),
      person.client.call("onboard", {
        body: { repository: "x", intent: "plan", agent_name: "x", command: "npx", args: remoteArgs },
      }),
      planWith(person, "add_agent", { agent_name: "x", endpoint: url }),
      planWith(person, "edit_server", { server: "hub", changes: { url } }),
      planWith(person, "edit_server", {
        server: "hub",
        changes: { transport: "stdio", url: null, headers: null, command: "npx", args: remoteArgs },
      }),
      planWith(person, "import_servers", {
        servers: [{ id: "x", title: "X", transport: "streamable_http", url }],
      }),
    ];
    for (const problem of await Promise.all(ways.map(problemOf)))
      expect(JSON.stringify(problem.errors)).toContain("leads back to this console");
    const { servers } = await person.client.call("importServers", {
      body: {
        client: "cursor",
        contents: JSON.stringify({
          mcpServers: { team: { url, headers: { Authorization: "Bearer a-real-token-of-anas" } } },
        }),
      },
    });
    expect(servers[0]).toMatchObject({
      outcome: "skipped",
      reason: expect.stringMatching(/leads back to this console/) as string,
    });
  });

  it("is found out by its own answer, whatever name it goes by", async () => {
    const gateway = await startGateway([]);
    const person = await gateway.person("planner");
    const tunnel = await listen((request, response) => {
      const headers = { ...request.headers, host: new URL(gateway.url).host };
      const onward = httpRequest(
        `${gateway.url}${request.url ?? ""}`,
        { method: request.method, headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(onward);
    });
    const problem = await problemOf(
      person.client.call("onboard", {
        body: {
          repository: "x",
          intent: "validate",
          agent_name: "x",
          endpoint: tunnel.url,
          auth: { Authorization: `Bearer ${person.token}` },
        },
      }),
    );
    expect(problem.detail).toMatch(/leads back to this console/);
  });
});
