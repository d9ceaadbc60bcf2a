import { chmodSync, existsSync, rmSync } from "node:fs";
import { join, posix } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { pathProblem } from "../../src/features/plans/paths.ts";
import { provision } from "../support/provision.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { newToolsAllowed, openPolicies } from "../support/config.ts";
import { type Person, planWith, problemOf, submitWith } from "../support/console.ts";
import { git, gitWith } from "../support/git.ts";
import { bearer, callOf, post, startGateway, type TestGateway } from "../support/mcp/gateway.ts";
import { remote } from "../support/mcp/handshake.ts";
import { modernEcho } from "../support/mcp/http-servers.ts";

/** What a slip of the hand in the configuration does: it closes doors, and opens none. */

const budget = stringify({
  id: "budget",
  kind: "budget",
  title: "B",
  on_exceeded: "block",
  limits: { daily_usd: 100 },
});
const approvals = stringify({ id: "approvals", kind: "approvals", title: "A", default: { required: 1 } });
const sound: Record<string, string> = {
  ...openPolicies(),
  ...newToolsAllowed,
  "policies/budget.yaml": budget,
  "policies/approvals.yaml": approvals,
};

/** One file on the live branch, as it may come to be there: `path` may be another than it should be. */
type Slip = { mode?: string; bytes?: Buffer; path?: string };
const slips: [string, (sound: string) => Slip, RegExp][] = [
  [
    "a word that is no such word",
    (source) => ({ bytes: Buffer.from(source.replace("kind:", "knid:")) }),
    /discriminator|knid/,
  ],
  ["no YAML at all", () => ({ bytes: Buffer.from("{{{") }), /./],
  ["nothing in it", () => ({ bytes: Buffer.alloc(0) }), /./],
  ["marked as a program", () => ({ mode: "100755" }), /marked as a program/],
  ["a link", () => ({ mode: "120000", bytes: Buffer.from("../elsewhere.yaml") }), /symbolic link/],
  [
    "too large",
    (source) => ({ bytes: Buffer.from(`${source}\n# ${"x".repeat(1_100_000)}`) }),
    /the limit is 1000000/,
  ],
  ["in another encoding", (source) => ({ bytes: Buffer.from(`${source}\n# ação`, "latin1") }), /not UTF-8/],
];

function put(repository: string, files: Record<string, Slip & { source: string | null }>): void {
  const lines: Buffer[] = [
    Buffer.from(
      "commit refs/heads/main\ncommitter T <t@example.com> 0 +0000\ndata 1\nx\nfrom refs/heads/main^0\n",
    ),
  ];
  // A file makes room for a folder of its name.
  const deletedFirst = Object.entries(files).toSorted(
    ([, a], [, b]) => Number(b.source === null) - Number(a.source === null),
  );
  for (const [path, { mode = "100644", bytes, source }] of deletedFirst) {
    if (source === null) {
      lines.push(Buffer.from(`D ${path}\n`));
      continue;
    }
    const data = bytes ?? Buffer.from(source);
    lines.push(Buffer.from(`M ${mode} inline ${path}\ndata ${data.length}\n`), data, Buffer.from("\n"));
  }
  gitWith(Buffer.concat(lines), repository, "fast-import", "--quiet");
}

const registryPath = "mcp-registry.yaml";

describe("a policy that is there but cannot be used", () => {
  let gateway: TestGateway;
  let person: Person;
  beforeAll(async () => {
    const { url } = await modernEcho();
    gateway = await startGateway([{ ...remote(url), id: "echo" }], sound);
    person = await gateway.person("planner");
  });
  const call = async () => {
    const { status, body } = await post(gateway, "/mcp/echo", callOf("echo", { text: "x" }), bearer(person));
    return `${status} ${body.error?.message ?? "answered"}`;
  };
  /** Puts a file on the live branch in the form of a slip, and looks; puts the sound one back. */
  async function withSlip<T>(path: string, slip: Slip, look: () => Promise<T>): Promise<T> {
    const source = sound[path] ?? "";
    put(gateway.git, {
      [slip.path ?? path]: { ...slip, source },
      ...(slip.path === undefined ? {} : { [path]: { source: null } }),
    });
    await gateway.servers.reconcile();
    try {
      return await look();
    } finally {
      put(gateway.git, {
        [path]: { source },
        ...(slip.path === undefined ? {} : { [slip.path]: { source: null } }),
      });
      await gateway.servers.reconcile();
    }
  }
  /** Takes a file off the live branch, and looks; puts it back. */
  async function withoutFile<T>(path: string, look: () => Promise<T>): Promise<T> {
    const isThere = git(gateway.git, "ls-tree", "--name-only", "main", "--", path) !== "";
    const source = isThere ? git(gateway.git, "show", `main:${path}`) : "";
    if (isThere) put(gateway.git, { [path]: { source: null } });
    try {
      return await look();
    } finally {
      if (isThere) put(gateway.git, { [path]: { source } });
    }
  }
  const told = async (path: string) => {
    const { checks } = await person.client.call("getHealth");
    const { problems } = await person.client.call("getConfiguration");
    expect(checks.find(({ id }) => id === "configuration")).toMatchObject({
      status: expect.stringMatching(/degraded|down/) as string,
      detail: expect.stringContaining(path) as string,
    });
    return problems
      .filter((problem) => problem.path.startsWith(path))
      .map(({ message }) => message)
      .join();
  };

  it.each(slips)("lets nothing through, and health and page say why: %s", async (_, slipOf, why) => {
    expect(await call()).toBe("200 answered");
    for (const [path, refusal] of [
      ["policies/network.yaml", /network\.yaml cannot be used, so no remote server is reached/],
      ["policies/budget.yaml", /budget\.yaml cannot be used, so nothing is let through/],
      ["policies/access.yaml", /There is no server echo here/],
    ] as const) {
      await withSlip(path, slipOf(sound[path] ?? ""), async () => {
        expect(await call(), path).toMatch(refusal);
        expect(await told(path)).toMatch(why);
      });
    }
    await withSlip("policies/approvals.yaml", slipOf(approvals), async () => {
      expect(
        await problemOf(
          planWith(person, "add_agent", { agent_name: "x" }).then((planned) => submitWith(person, planned)),
        ),
      ).toBeDefined();
      expect(await told("policies/approvals.yaml")).toMatch(why);
    });
    expect(await call()).toBe("200 answered");
  });

  it("is not written over by a plan that cannot know what it holds", async () => {
    sound[registryPath] = git(gateway.git, "show", `main:${registryPath}`);
    const bytes = Buffer.from(`${sound[registryPath]}\n# ação`, "latin1");
    await withSlip(registryPath, { bytes }, async () => {
      const planned = planWith(person, "onboard_server", {
        agent_name: "other",
        transport: "streamable_http",
        endpoint: "https://mcp.example.com/mcp",
      });
      expect((await problemOf(planned)).errors).toMatchObject([
        {
          path: registryPath,
          message: expect.stringMatching(/not UTF-8.*in git first/) as string,
        },
      ]);
    });
  });

  it("is reported with a wrong file extension too, which would disable it", async () => {
    await withSlip("policies/network.yaml", { path: "policies/network.yml" }, async () => {
      expect(await call()).toMatch(/network\.yaml cannot be used/);
      expect(await told("policies/network.yml")).toMatch(/policies are policies\/<id>\.yaml/);
    });
  });

  it.each([
    ["Network.yaml", "Budget.yaml", "Approvals.yaml"],
    ["network.yaml.bak", "budget.yaml.bak", "approvals.yaml.bak"],
    ["network.yaml/a.yaml", "budget.yaml/a.yaml", "approvals.yaml/a.yaml"],
    ["network.yaml ", "budget.yaml ", "approvals.yaml "],
    ["Network (copy).yaml", "Budget (1).yaml", "APPROVALS.YML"],
    ["networks.yaml", "budgets.yaml", "approval.yaml"],
    ["../Policies/network.yaml", "../POLICIES/budget.yaml", "../policy/approvals.yaml"],
    ["../políticas/network.yaml", "../politicas/budget.yaml", "../Política/approvals.yaml"],
  ])(
    "is replaced by no default where it goes by a name like %j",
    async (network, budgetName, approvalsName) => {
      const at = (name: string): string => posix.join("policies", name);
      await withSlip("policies/network.yaml", { path: at(network) }, async () => {
        expect(await call()).toMatch(/network\.yaml cannot be used/);
      });
      await withSlip("policies/budget.yaml", { path: at(budgetName) }, async () => {
        expect(await call()).toMatch(/cannot be used, so nothing is let through/);
      });
      await withSlip("policies/approvals.yaml", { path: at(approvalsName) }, async () => {
        expect(await told(at(approvalsName))).not.toBe("");
        const planned = planWith(person, "add_agent", { agent_name: "x" });
        const refused = await problemOf(planned.then((plan) => submitWith(person, plan)));
        expect(JSON.stringify(refused)).toMatch(/approvals/);
      });
    },
  );

  it("is replaced by no default where another file is of its kind", async () => {
    const source = approvals.replace("id: approvals", "id: votes");
    put(gateway.git, {
      "policies/approvals.yaml": { source: null },
      "policies/votes.yaml": { source },
    });
    const planned = planWith(person, "add_agent", { agent_name: "x" });
    const refused = await problemOf(planned.then((plan) => submitWith(person, plan)));
    expect(JSON.stringify(refused)).toMatch(/approvals/);
    expect(await told("policies/votes.yaml")).toMatch(
      /the policy of kind approvals is policies\/approvals\.yaml/,
    );
    put(gateway.git, {
      "policies/approvals.yaml": { source: approvals },
      "policies/votes.yaml": { source: null },
    });
  });

  it.each([
    ["mcp-registry.yaml", "mcp-registry.yml"],
    ["mcp-registry.yaml", "MCP_Registry.yaml"],
    ["mcp-tools.lock.json", "mcp-tools.Lock.json"],
    ["mcp-tools.lock.json", "mcp-tool.lock.json.bak"],
    ["ciclo.yaml", "Ciclo.yml"],
    ["agents/one/agent.yaml", "agents/one/agent.yml"],
    ["agents/one/agent.yaml", "Agents/one/agent.yaml"],
  ])("is said of %s too, where %s is there in its place", async (path, alike) => {
    const source = "{}";
    put(gateway.git, { [alike]: { source } });
    await withoutFile(path, async () => {
      expect(await told(alike)).toMatch(`its name is like ${path}`);
    });
    put(gateway.git, { [alike]: { source: null } });
  });

  it("is not what is called so beside it, or otherwise", async () => {
    const others = [
      "mcp-registry.yaml.bak",
      "mcp-registry-notes.txt",
      "policies-old/access.yaml",
      "agents/one/agents.txt",
      "police/a.yaml",
    ];
    put(gateway.git, Object.fromEntries(others.map((path) => [path, { source: "x" }])));
    const { problems } = await person.client.call("getConfiguration");
    expect(problems).toEqual([]);
    put(gateway.git, Object.fromEntries(others.map((path) => [path, { source: null }])));
  });

  it("that is taken away leaves its default, and health says which", async () => {
    put(gateway.git, { "policies/approvals.yaml": { source: null } });
    const { checks } = await person.client.call("getHealth");
    expect(checks.find(({ id }) => id === "configuration")).toMatchObject({
      status: "ok",
      detail: expect.stringMatching(
        /approvals\.yaml is not there: one approver's vote lands a change/,
      ) as string,
    });
    put(gateway.git, { "policies/approvals.yaml": { source: approvals } });
    for (const [path, says] of [
      ["policies/network.yaml", /network\.yaml is not there: servers may be at any public address/],
    ] as const)
      await withoutFile(path, async () => {
        const { checks: now } = await person.client.call("getHealth");
        expect(now.find(({ id }) => id === "configuration")?.detail).toMatch(says);
      });
  });

  it("counts for nothing beside the policy itself", async () => {
    put(gateway.git, {
      "policies/network.yaml.bak": { source: "x" },
      "policies/budget-notes.txt": { source: "x" },
      "policies/Approvals.yaml": { source: "x" },
    });
    await gateway.servers.reconcile();
    expect(await call()).toBe("200 answered");
    const planned = await planWith(person, "add_agent", { agent_name: "beside" });
    expect((await submitWith(person, planned)).status).toBe("hitl_required");
    put(gateway.git, {
      "policies/network.yaml.bak": { source: null },
      "policies/budget-notes.txt": { source: null },
      "policies/Approvals.yaml": { source: null },
    });
    await gateway.servers.reconcile();
  });

  it("says how many rules there may be, and decides by ten thousand of them where there may", async () => {
    const many = <T>(make: (n: number) => T): T[] => Array.from({ length: 10_000 }, (_, n) => make(n));
    const denied = many((n) => ({ roles: ["planner"], servers: [`s${n}`], tools: ["*"], effect: "deny" }));
    const access = { id: "access", kind: "access", title: "A", default: "allow", new_tools: "allow" };
    const withRules = (rules: object[]): string => JSON.stringify({ ...access, rules });
    const last = { ...denied[0], servers: ["echo"] };
    put(gateway.git, { "policies/access.yaml": { source: withRules([...denied.slice(1), last]) } });
    await gateway.servers.reconcile();
    expect(await call()).toMatch(/policies\/access\.yaml, rule 10000: planner may not call echo of echo/);
    put(gateway.git, { "policies/access.yaml": { source: sound["policies/access.yaml"] ?? "" } });

    const rules = many((n) => ({ name: `r${n}`, paths: [`docs/${n}/**`], required: 1 }));
    const planned = await problemOf(
      planWith(person, "edit_policies", { policy_id: "approvals", changes: { rules } }),
    );
    expect(JSON.stringify(planned.errors)).toMatch(/approvals\.yaml:\d+.*rules: .*<=100 items/);
    const bytes = Buffer.from(
      JSON.stringify({ id: "approvals", kind: "approvals", title: "A", default: { required: 1 }, rules }),
    );
    await withSlip("policies/approvals.yaml", { bytes }, async () => {
      expect(await told("policies/approvals.yaml")).toMatch(/<=100 items/);
    });
    await gateway.servers.reconcile();
    expect(await call()).toBe("200 answered");
  });

  it("is reported entry by entry when every entry of the registry is invalid", async () => {
    sound[registryPath] = git(gateway.git, "show", `main:${registryPath}`);
    const servers = [
      null,
      5,
      "x",
      [],
      {},
      { id: 5, title: "T", transport: "stdio", command: "x" },
      { id: "b", title: "T", transport: "nope" },
      { id: "c", title: "T", transport: "stdio", command: "x", args: "one" },
      { id: "d", title: "T", transport: "streamable_http", url: "not a url" },
      {
        id: "e",
        title: "T",
        transport: "streamable_http",
        url: "https://e.example/mcp",
        headers: { Authorization: "plain" },
      },
      { id: "ciclo", title: "T", transport: "streamable_http", url: "https://f.example/mcp" },
      { id: "g", title: "T", transport: "streamable_http", url: "https://g.example/mcp", surprise: true },
      { id: "g", title: "T", transport: "nope" },
    ];
    await withSlip(registryPath, { bytes: Buffer.from(JSON.stringify({ servers })) }, async () => {
      const { problems } = await person.client.call("getConfiguration");
      for (const [index] of servers.entries()) {
        const said = problems.filter(({ message }) => new RegExp(`^servers\\.${index}\\b`).test(message));
        expect(said.length, `entry ${index}: ${JSON.stringify(problems)}`).toBeGreaterThan(0);
      }
      expect(problems.map(({ message }) => message)).toContain("servers: listed twice: g");
      expect(JSON.stringify(problems)).not.toContain("plain");
    });
    expect(await call()).toBe("200 answered");
  });

  it("counts as a budget under a name of its own", async () => {
    put(gateway.git, { "policies/team-spend.yaml": { source: "id: team-spend\nkind: budgte\n" } });
    await gateway.servers.reconcile();
    expect(await call()).toMatch(/team-spend\.yaml cannot be used/);
    put(gateway.git, { "policies/team-spend.yaml": { source: null } });
    await gateway.servers.reconcile();
    expect(await call()).toBe("200 answered");
  });

  it("a lock that cannot be read offers no tool, whatever is said of new ones", async () => {
    put(gateway.git, { "mcp-tools.lock.json": { source: "{" } });
    await gateway.servers.reconcile();
    expect(await call()).toMatch(/withheld/);
    put(gateway.git, { "mcp-tools.lock.json": { source: '{"version":1,"servers":{}}' } });
    await gateway.servers.reconcile();
    expect(await call()).toBe("200 answered");
  });
});

describe("the master key", () => {
  const keyOf = (home: string): string => join(home, "master.key");

  it("stops the start where others may read it", async () => {
    const home = await temporaryFolder();
    await provision({ CICLO_HOME: home }, {});
    for (const mode of [0o644, 0o640, 0o604, 0o660]) {
      chmodSync(keyOf(home), mode);
      await expect(provision({ CICLO_HOME: home }, {})).rejects.toThrow(
        /others may read .*master\.key \(mode 6\d\d\)\. Run: chmod 600/,
      );
    }
    chmodSync(keyOf(home), 0o600);
    await provision({ CICLO_HOME: home }, {});
  });

  it("is never made anew for a home that was restored without it", async () => {
    const home = await temporaryFolder();
    await provision({ CICLO_HOME: home }, {});
    rmSync(keyOf(home));
    for (let start = 0; start < 2; start += 1)
      await expect(provision({ CICLO_HOME: home }, {})).rejects.toThrow(
        /master\.key is not there, and the stored keys need it/,
      );
    expect(existsSync(keyOf(home))).toBe(false);
  });
});

describe("a path that other people's file systems cannot hold", () => {
  it.each([
    ["docs/con", /device/],
    ["docs/NUL.md", /device/],
    ["generated/com1.txt", /device/],
    ["docs/notes./a.md", /end in a dot/],
    ["docs/notes /a.md", /blank/],
    ["docs/a:b.md", /hold </],
    ["docs/what?.md", /hold </],
    ["docs/safe\u202Edm.md", /not drawn/],
    ["docs/a\u200Bb.md", /not drawn/],
    ["docs/.g\u200Cit/config", /\.git|not drawn/],
    ["docs/git~1/config", /\.git/],
    ["docs/.GIT./config", /\.git/],
  ])("is refused: %j", (path, why) => {
    expect(pathProblem(path)?.message.en).toMatch(why);
  });
  it.each([
    "docs/context.md",
    "agents/console/agent.yaml",
    "docs/nullable.md",
    "docs/ação.md",
    "docs/comunicado.md",
  ])("is not %s", (path) => {
    expect(pathProblem(path)).toBeNull();
  });
});
